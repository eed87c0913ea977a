"""What of a target is secret, and texts of others without it."""
