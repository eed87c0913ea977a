"""What an event is: envelope, payloads, subjects, readable text.

Pure code: nothing here does I/O or imports another room, so every program that speaks of events can use it.
Start at `catalog.py`, the table of what exists.
"""
