"""What a silence would have muted, had it been active."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from app.events import cloudevent
from app.jetstream.past import Slice, reading
from app.jetstream.read import StreamReader
from app.notifications.notification import notification_of
from app.notifications.silences.registry import Silence
from streams.subjects import NOTIFICATIONS_SUBJECT, OPS

SECONDS: Final = 3600.0  # so far back a preview looks
_WITHIN: Final = 5.0  # seconds that a preview may take
_SHOWN: Final = 50  # notifications that a preview shows


class Past:
    """Looks through the notifications since a time for what a silence mutes."""

    def __init__(self, reader: StreamReader, silence: Silence) -> None:
        self._reader = reader
        self._silence = silence
        self._seen = 0
        self._muted = 0
        self._shown: list[dict[str, Any]] = []

    async def run(self, since: float) -> dict[str, Any]:
        """What it finds, as far as it comes; raises UnavailableError."""
        complete = True
        try:
            async with asyncio.timeout(_WITHIN):
                await self._look(since)
        except TimeoutError:
            complete = False
        return {"seen": self._seen, "muted": self._muted, "complete": complete, "notifications": self._shown}

    async def _look(self, since: float) -> None:
        first = await _first_since(self._reader, since)
        last = await self._reader.last_sequence(OPS)
        if first is None or first > last:
            return
        async with reading(self._reader.client, Slice(OPS, NOTIFICATIONS_SUBJECT, first, last)) as batches:
            async for batch in batches:
                for message in batch:
                    self._take(message.subject, message.data, message.headers)
                await asyncio.sleep(0)  # others have their turn

    def _take(self, subject: str, payload: bytes, headers: Mapping[str, str] | None) -> None:
        self._seen += 1
        try:
            event = cloudevent.read(payload, headers)
        except cloudevent.NotACloudEventError:
            return
        if not self._silence.mutes(notification_of(subject, event.data), self._silence.begins.timestamp()):
            return
        self._muted += 1
        if len(self._shown) < _SHOWN:
            self._shown.append({"subject": subject, "id": event.id})


async def _first_since(reader: StreamReader, since: float) -> int | None:
    """The sequence of the first notification that was stored since a time."""
    low, high, found = 1, await reader.last_sequence(OPS), None
    while low <= high:
        middle = (low + high) // 2
        kept = await reader.first(OPS, NOTIFICATIONS_SUBJECT, middle)
        if kept is None:
            high = middle - 1
        elif kept.stored >= since:
            found, high = kept.sequence, middle - 1
        else:
            low = kept.sequence + 1
    return found
