"""Looking at each event of a slice, the newest part first, within bounds.

Called by `query.py` where a filter over subjects does not say which events are wanted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from nats.aio.msg import Msg

from app.archive.criteria import Criteria
from app.jetstream.past import Slice, earlier, newest, reading
from app.jetstream.place import place_of
from app.jetstream.read import Head, StreamReader

SECONDS: Final = 2.0
EVENTS: Final = 200_000  # that a scan looks at; it ends with the part in which they are reached


@dataclass(frozen=True, slots=True)
class Sought:
    """What a scan looks for."""

    criteria: Criteria
    newest: int  # matches that are named
    enough: int  # matches after which nobody wants more


@dataclass(slots=True)
class Found:
    """What a scan found."""

    since: int  # the sequence from which on everything was looked at
    complete: bool = False  # that is where the slice begins
    total: int = 0  # events that match
    heads: list[Head] = field(default_factory=list)  # the newest of them, newest first
    looked: int = 0  # events that were looked at


async def scan(reader: StreamReader, piece: Slice, sought: Sought, seconds: float = SECONDS) -> Found:
    """What matches in a slice, the newest first, within about `EVENTS` events and so many seconds.

    What was read of a part that the time ends is left out: everything since `since` was looked at.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    found = Found(since=piece.last + 1)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _scan(reader, piece, sought, found)
    return found


async def _scan(reader: StreamReader, piece: Slice, sought: Sought, found: Found) -> None:
    part = newest(piece)
    while part is not None and found.looked < EVENTS and found.total < sought.enough:
        looked, total, heads = await _part(reader, part, sought.criteria, sought.newest - len(found.heads))
        found.since = part.first
        found.looked += looked
        found.total += total
        found.heads += heads
        part = earlier(piece, part, looked)
    found.complete = part is None or found.total >= sought.enough


async def _part(reader: StreamReader, part: Slice, criteria: Criteria, wanted: int) -> tuple[int, int, list[Head]]:
    """How many messages were looked at, how many of them match, and the newest of those."""
    looked = total = 0
    heads: deque[Head] = deque(maxlen=max(0, wanted))
    async with reading(reader.client, part) as batches:
        async for batch in batches:
            looked += len(batch)
            for message in batch:
                if criteria.match(message.subject, message.headers, message.data):
                    total += 1
                    heads.append(_head(message))
            await asyncio.sleep(0)  # others have their turn
    return looked, total, list(heads)[::-1]


def _head(message: Msg) -> Head:
    place = place_of(message.reply)
    return Head(place.sequence, place.stored, {}, len(message.data), message.subject)
