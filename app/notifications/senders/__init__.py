"""What is not told by HTTP: one file a way."""
