"""Where networks come from: sites, statistics, geography, flows."""
