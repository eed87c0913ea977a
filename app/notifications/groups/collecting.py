"""Reading what waits for a group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from app.delivery import records
from app.delivery.delivery import Received
from app.delivery.park import number, own_headers, text
from app.events import cloudevent
from app.jetstream.read import Kept, StreamReader
from app.notifications.compose import group_message, notice_of
from app.notifications.groups.telling import Item
from app.notifications.groups.terms import Terms, thing_of
from app.notifications.groups.waiting import Waiting
from app.notifications.notification import Notification, notification_of
from streams.subjects import PENDING

MOST: Final = 50_000  # notifications of one message; what is more comes with the next
MOST_BYTES: Final = 32 * 1024 * 1024  # the same, of what they say; in memory it is twice as much
_SIGNS: Final = 8  # of the id of a delivery
_AT_ONCE: Final = 2  # groups that are read at a time: each may be in memory
_PAGE: Final = 500
_PAGE_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Found:
    """What waits. Of what is silenced only that something is over."""

    last: int  # the sequence up to which it was read
    items: list[Item] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)  # of all that was read
    silenced: int = 0
    room: int = MOST_BYTES

    @property
    def is_full(self) -> bool:
        return len(self.items) >= MOST or self.room <= 0


NOTHING: Final = Found(0)


class Collector:
    """Reads a group's notifications; `mutes` says whether one is silenced now."""

    def __init__(self, reader: StreamReader, mutes: Callable[[Notification], bool]) -> None:
        self._reader = reader
        self._mutes = mutes
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, waiting: Waiting, first: int) -> Found:
        """Those from a sequence on.

        Raises:
            UnavailableError: JetStream does not answer.
        """
        found = Found(first - 1)
        async with self._turn:
            async for page in self._pages(waiting, found):
                for kept in page:
                    self._take(found, kept, waiting.terms)
        return found

    async def originals(self, waiting: Waiting, first: int, last: int) -> AsyncIterator[Received]:
        """Those from one sequence to another, as they came. Raises what a call does."""
        async for page in self._pages(waiting, Found(first - 1)):
            for kept in page:
                if kept.sequence > last:
                    return
                yield _received(kept)

    async def _pages(self, waiting: Waiting, found: Found) -> AsyncIterator[list[Kept]]:
        last = found.last
        while not found.is_full:
            page = await self._reader.following(PENDING, waiting.subject, last + 1, _PAGE, _PAGE_BYTES)
            if not page:
                return
            yield page
            last = page[-1].sequence
            if not page[-1].following:
                return

    def _take(self, found: Found, kept: Kept, terms: Terms) -> None:
        found.last = kept.sequence
        found.sequences.append(kept.sequence)
        item = _item(kept, terms, self._mutes)
        found.silenced += item.muted
        if not item.muted or item.notice.resolved:
            found.items.append(item)
            found.room -= kept.size


def _item(kept: Kept, terms: Terms, mutes: Callable[[Notification], bool]) -> Item:
    """What waits there."""
    received = _received(kept)
    notice, identity = notice_of(received), _identity(kept, received)
    if (group := group_message(received)) is not None:  # what is held back may be the message of another group
        thing, at = received.event.id, received.stored
        return Item(kept.sequence, thing, named=False, notice=notice, count=group.count, at=at, identity=identity)
    notification = notification_of(received.subject, received.event.data)
    thing, named = thing_of(notification, terms)
    return Item(
        kept.sequence,
        thing,
        named,
        notice,
        at=received.stored,
        muted=mutes(notification),
        about=notification,
        identity=identity,
        trace=_trace(received),
    )


def _identity(kept: Kept, received: Received) -> str:
    """What all copies share: the place in `ops`, and some of the delivery's id, should `ops` begin anew."""
    return f"{received.sequence}-{text(kept.headers, records.DELIVERY)[:_SIGNS]}"


def _trace(received: Received) -> str:
    return received.trace.parent if received.trace is not None and received.trace.is_sampled else ""


def _received(kept: Kept) -> Received:
    """The event that was put there; it was one then."""
    own = own_headers(kept.headers)
    return Received(
        event=cloudevent.read(kept.payload, own),
        payload=kept.payload,
        structured=cloudevent.is_structured(own),
        headers=own,
        subject=text(kept.headers, records.SUBJECT),
        sequence=int(number(kept.headers, records.SEQUENCE)),
        stored=number(kept.headers, records.STORED),
    )
