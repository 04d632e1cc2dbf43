"""What follows: rerouting."""
