"""What became of deliveries: attempts written down and read, totals, and how each target is now."""
