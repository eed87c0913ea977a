"""What publishes events: typed publishers for code."""
