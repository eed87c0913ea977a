"""What the stream `ops` holds, shown to people: its subjects, and its events, newest first.

`entry.py` is how one message is shown, and is pure; `query.py` finds a page of events, `subjects.py` one of subjects,
and `tails.py` follows what arrives. Called by `ingress`. Nothing here leaves a consumer behind, and each answer is
bounded in time and in memory.
"""
