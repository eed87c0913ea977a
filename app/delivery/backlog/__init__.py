"""What targets are owed: found, probed for, and worked off."""
