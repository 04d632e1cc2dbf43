"""What may change, as plain values: shocks and alignment."""
