"""What came last, so that a tail joins the flow, or comes back to it, without asking JetStream. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from nats.aio.msg import Msg

from app.archive import entry, tail_frames
from app.jetstream.place import place_of

_MESSAGES: Final = 2_000
_BYTES: Final = 1024 * 1024  # of payloads


class Arrival:
    """A message of the stream, encoded once for all who want it, and not at all where nobody does."""

    def __init__(self, message: Msg) -> None:
        self._place = place_of(message.reply)
        self._message = message
        self.sequence = self._place.sequence
        self.subject = message.subject
        self.size = len(message.data)

    @cached_property
    def frame(self) -> bytes:
        """What a tail sends of it."""
        message = self._message
        item = entry.item(self.sequence, self.subject, self._place.stored, message.headers, message.data)
        return tail_frames.event(self.sequence, item)


class Recent:
    """The last messages of a flow."""

    def __init__(self, floor: int) -> None:
        self.floor = floor  # every message behind this sequence is here
        self._arrivals: deque[Arrival] = deque()
        self._size = 0

    def add(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)
        self._size += arrival.size
        while len(self._arrivals) > _MESSAGES or self._size > _BYTES:
            oldest = self._arrivals.popleft()
            self._size -= oldest.size
            self.floor = oldest.sequence

    def behind(self, sequence: int) -> Iterable[Arrival]:
        """What follows a sequence that is not before the floor, oldest first."""
        found: list[Arrival] = []
        for arrival in reversed(self._arrivals):
            if arrival.sequence <= sequence:
                break
            found.append(arrival)
        return reversed(found)
