"""How the program speaks to JetStream: the broker, publishing with an acknowledgement, pulling in batches.

Every room that stores or reads events calls these; nothing here knows what an event means.
"""
