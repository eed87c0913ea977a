"""Whether hooks want an event: by its subject, then by the words of its text."""
