"""Notes on their way to JetStream, which may be away: kept until they are stored. Used by `writer.py`."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import uuid4

from app.errors import TooLargeError, UnavailableError
from app.jetstream.publish import Publish

log = logging.getLogger(__name__)

_AT_ONCE: Final = 16  # notes under way together: one at a time would cost a wake-up of the loop each
_BYTES: Final = 256 * 1024  # of notes that are waiting, from which on they should be sent


@dataclass(frozen=True, slots=True)
class Note:
    """A message to store."""

    subject: str
    payload: bytes
    headers: Mapping[str, str]


class Outbox:
    """Each note gets an id when it is put in, so that it is stored once however often it is sent in two minutes."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._waiting: deque[Note] = deque()
        self._bytes = 0
        self._process = uuid4().hex
        self._count = 0
        self._sending = asyncio.Lock()

    @property
    def full(self) -> bool:
        """Whether there is enough to make sending worth while."""
        return len(self._waiting) >= _AT_ONCE or self._bytes >= _BYTES

    def put(self, note: Note) -> None:
        self._count += 1
        identified = {**note.headers, "Nats-Msg-Id": f"{self._process}-{self._count}"}
        self._waiting.append(Note(note.subject, note.payload, identified))
        self._bytes += len(note.payload)

    async def send(self) -> bool:
        """Send what waits; whether nothing waits any more. Does not raise: what failed is kept for the next time."""
        async with self._sending:
            while self._waiting:
                some = list(islice(self._waiting, _AT_ONCE))
                stored = await asyncio.gather(*map(self._stored, some))
                self._forget(some, stored)
                if not all(stored):
                    return False
        return True

    def _forget(self, notes: list[Note], stored: list[bool]) -> None:
        """Keep those of the foremost notes that were not stored."""
        for _ in notes:
            self._waiting.popleft()
        kept = [note for note, done in zip(notes, stored, strict=True) if not done]
        self._waiting.extendleft(reversed(kept))
        self._bytes += sum(len(note.payload) for note in kept) - sum(len(note.payload) for note in notes)

    async def _stored(self, note: Note) -> bool:
        try:
            await self._publish(note.subject, note.payload, note.headers)
        except UnavailableError:
            return False
        except TooLargeError as error:
            log.warning("a note for %s is thrown away: %s", note.subject, error, extra={"subject": note.subject})
        return True
