"""Where a message stands in its stream, as its reply subject tells; nats-py's own reading makes a date of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from nats.aio.msg import Msg

_SHORT: Final = 9  # tokens: $JS.ACK.stream.consumer.delivered.sequence.consumer sequence.time.pending
_SECOND: Final = 1_000_000_000  # the protocol's times are in nanoseconds


class Place(NamedTuple):
    """Where a message stands, and how often it was given out."""

    sequence: int = 0  # in the stream; 0: unknown
    stored: float = 0.0  # when the stream took it, Unix seconds
    delivered: int = 1  # how often the consumer has given it out, this time included
    pending: int = 0  # how many the consumer has yet to give out for the first time


def place_of(reply: str) -> Place:
    """Read a reply subject of JetStream; with a domain and an account it is two tokens longer, or more."""
    tokens = reply.split(".")
    first = 4 if len(tokens) == _SHORT else 6
    try:
        delivered, sequence, _, stored, pending = map(int, tokens[first : first + 5])
    except ValueError:  # no message of JetStream
        return Place()
    return Place(sequence, stored / _SECOND, delivered, pending)


def named(message: Msg) -> dict[str, str]:
    """What a line of the log says of a message that is about it: its subject and its id, which is the event's."""
    return {"subject": message.subject, "event": (message.headers or {}).get("Nats-Msg-Id", "")}
