"""The ways out of the house, one file a channel. `base.py` says what a channel is."""
