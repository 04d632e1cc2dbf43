"""What we measure: concentration, centrality, exposure, chokepoints."""
