"""What a tail sends, as server-sent events. Pure.

Events come without a name, so that a browser's `onmessage` sees them; what is said about the tail has one. Whatever
says `id:` is what a client sends back as `Last-Event-ID`, a heartbeat included: a quiet tail resumes where it was.
"""

from __future__ import annotations

import json
from typing import Any, Final

_RETRY: Final = 2_000  # milliseconds before a browser connects again


def opening(after: int) -> bytes:
    """The first words: when to come back, and behind which sequence what follows begins."""
    return b"retry: %d\nid: %d\n\n" % (_RETRY, after)


def event(sequence: int, data: bytes) -> bytes:
    """An event of the stream; `data` is JSON, in which a line break is white space."""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"id: %d\ndata: %b\n\n" % (sequence, data)


def heartbeat(complete: int | None) -> bytes:
    """A sign of life, and up to which sequence the client has everything, where that is known."""
    return b": heartbeat\n\n" if complete is None else b": heartbeat\nid: %d\n\n" % complete


def gap(first: int, last: int) -> bytes:
    """Events that the client asked for and that nobody has any more."""
    return _named("gap", first=first, last=last, message="these are not kept any more, if there were any")


def unknown(sequence: int, last: int) -> bytes:
    """The client asked for what follows an event that the stream has not had yet: it is another stream."""
    why = f"the stream ends at {last}, before {sequence}: it began anew, and the tail starts now"
    return _named("gap", first=sequence + 1, last=last, message=why)


def dropped(last: int) -> bytes:
    """The last words to who reads too slowly."""
    return _named("dropped", last_event_id=last, message=f"read faster: too much waited. {_resume(last)}")


def shutdown(last: int) -> bytes:
    """The last words of a server that ends."""
    return _named("shutdown", last_event_id=last, message=f"the server ends. {_resume(last)}")


def revoked(last: int) -> bytes:
    """The last words to who has lost the right to read."""
    return _named("dropped", last_event_id=last, message="the token is not valid any more, or may not read this")


def restored(last: int) -> bytes:
    """The last words where the stream began anew: its sequences mean other events now."""
    return _named("dropped", last_event_id=last, message="the stream began anew: connect without Last-Event-ID")


def failed(last: int) -> bytes:
    """The last words where reading ended by a fault of ours."""
    return _named("dropped", last_event_id=last, message=f"a fault of ours: it stands in the log. {_resume(last)}")


def _resume(last: int) -> str:
    return f"Connect again with the header Last-Event-ID: {last}"


def _named(name: str, **data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
