"""What operators ask of hooks: what one would match, and why one did or did not fire."""
