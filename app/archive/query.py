"""A page of the events that a filter sees between two times or sequences, newest first.

No consumer is needed where the filter alone says what is wanted: the server counts, and sends the page. What arrives
meanwhile does not matter, for the page ends where the stream ended when it was asked for; who pages through a list
gives the bounds of the first answer with each question that follows.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from app.archive.criteria import ANY, Criteria
from app.archive.entry import item, omitted
from app.archive.place import with_newest
from app.archive.scan import Sought, scan
from app.events.subject import REST
from app.jetstream.past import Slice, bounds, count, sequence_at
from app.jetstream.read import Head, Kept, StreamReader
from streams.subjects import OPS, OPS_SUBJECT

PAGE_BYTES: Final = 8 * 1024 * 1024  # of events on a page; those beyond it are named, without what is in them
_SPARE: Final = 32  # events read beyond those of a page, which spares a search for the very place
_LATE: Final = 16  # that may arrive while it is found
_AT_ONCE: Final = 8  # single events got at a time
_MILLISECOND: Final = 0.001


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; the bounds are included."""

    pattern: str  # filter over subjects
    start_time: float | None = None  # when the stream took the event, Unix seconds
    end_time: float | None = None
    first_sequence: int = 1
    last_sequence: int | None = None
    criteria: Criteria = ANY
    most: int | None = None  # events of the whole list: the newest

    def cut(self, total: int) -> int:
        return total if self.most is None else min(total, self.most)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the events, newest first."""

    items: Sequence[bytes]  # JSON
    total: int  # events on all pages
    complete: bool  # all events between the bounds that were asked for were looked at
    first: int  # the sequence from which on they were
    last: int  # the sequence up to which


class Events:
    """Finds events in the stream `ops`. Raises UnavailableError where JetStream does not answer."""

    def __init__(self, reader: StreamReader, page_bytes: int = PAGE_BYTES) -> None:
        self._reader = reader
        self._page_bytes = page_bytes

    async def page(self, query: Query, start: int, size: int) -> Page:
        """`size` events, after the `start` newest."""
        piece = await self._slice(query)
        if query.criteria:
            return await self._scanned(piece, query, start, size)
        there = await count(self._reader, piece) if piece.first <= piece.last else 0
        total = query.cut(there)
        wanted = min(size, total - start)
        heads = await self._newest(piece, there, start, wanted) if wanted > 0 else []
        return Page(await self._items(heads), total, complete=True, first=piece.first, last=piece.last)

    async def _slice(self, query: Query) -> Slice:
        """The part of the stream between the bounds; its end is fixed, whatever arrives from now on."""
        first, last = await bounds(self._reader, OPS)
        last = min(last, query.last_sequence or last)
        first = max(first, query.first_sequence)
        if query.start_time is not None:
            first = max(first, await sequence_at(self._reader, OPS, query.start_time))
        if query.end_time is not None:
            last = min(last, await sequence_at(self._reader, OPS, query.end_time + _MILLISECOND) - 1)
        # The server counts everything at once, but the subjects of a filter one by one.
        return Slice(OPS, REST if query.pattern == OPS_SUBJECT else query.pattern, first, last)

    async def _newest(self, piece: Slice, there: int, start: int, wanted: int) -> Sequence[Head]:
        """Messages of a slice that has so many, newest first: in full, unless they are too large together."""
        number = start + wanted
        place, behind = await with_newest(self._reader, piece, there, number, _SPARE + wanted // 4)
        early = behind - number  # messages before those that are wanted
        late = 0 if start else _LATE
        asked = early + wanted + late
        found: Sequence[Head] = await self._reader.following(OPS, piece.subject, place, asked, self._page_bytes)
        if len(found) < early + wanted and sum(one.size for one in found) > self._page_bytes // 2:
            found = await self._reader.heads(OPS, piece.subject, place, asked)
        inside = [one for one in found if one.sequence <= piece.last]
        return (inside[early : early + wanted] if start else inside[-wanted:])[::-1]

    async def _scanned(self, piece: Slice, query: Query, start: int, size: int) -> Page:
        enough = sys.maxsize if query.most is None else query.most
        found = await scan(self._reader, piece, Sought(query.criteria, min(start + size, enough), enough))
        items = await self._items(found.heads[start:])
        return Page(items, query.cut(found.total), found.complete, found.since, piece.last)

    async def _items(self, messages: Sequence[Head]) -> list[bytes]:
        """The messages as JSON; those that were not sent yet are got, a few at a time."""
        full = _fitting(messages, self._page_bytes)
        items: list[bytes] = []
        for begin in range(0, full, _AT_ONCE):
            opened = await asyncio.gather(*map(self._open, messages[begin : min(begin + _AT_ONCE, full)]))
            items += [item(one.sequence, one.subject, one.stored, one.headers, one.payload) for one in opened if one]
        return items + [omitted(one.sequence, one.subject, one.stored, one.size) for one in messages[full:]]

    async def _open(self, message: Head) -> Kept | None:
        """None: it was deleted meanwhile."""
        return message if isinstance(message, Kept) else await self._reader.get(OPS, message.sequence)


def _fitting(messages: Sequence[Head], room: int) -> int:
    """How many messages, from the first on, are shown in full: one at least."""
    sizes = accumulate(message.size for message in messages)
    return max(bisect_right(list(sizes), room), min(1, len(messages)))
