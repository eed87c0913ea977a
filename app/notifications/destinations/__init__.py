"""Where receivers are, how often each may be told, and what of Apprise is let in."""
