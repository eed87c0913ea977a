"""Reading what waits for a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.delivery import records
from app.delivery.delivery import Received
from app.delivery.park import number, own_headers, text
from app.events import cloudevent
from app.jetstream.read import Kept, StreamReader
from app.notifications.compose import GROUP_TYPE, notice_of
from app.notifications.groups.telling import Item
from app.notifications.groups.terms import Terms, thing_of
from app.notifications.groups.waiting import REMINDER, Waiting
from app.notifications.notification import Notification, notification_of
from streams.subjects import PENDING

MOST: Final = 10_000  # notifications of one message; what is more comes with the next
_SIGNS: Final = 8  # of the id of a delivery
_PAGE: Final = 500
_PAGE_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Found:
    """What waits, without what is silenced."""

    last: int  # the sequence up to which it was read
    items: list[Item] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)  # of all that was read
    silenced: int = 0


NOTHING: Final = Found(0)


class Collector:
    """Reads a group's notifications; `mutes` says whether one is silenced now."""

    def __init__(self, reader: StreamReader, mutes: Callable[[Notification], bool]) -> None:
        self._reader = reader
        self._mutes = mutes

    async def __call__(self, waiting: Waiting, first: int) -> Found:
        """Those from a sequence on.

        Raises:
            UnavailableError: JetStream does not answer.
        """
        found = Found(first - 1)
        while len(found.items) < MOST:
            page = await self._reader.following(PENDING, waiting.subject, found.last + 1, _PAGE, _PAGE_BYTES)
            for kept in page:
                self._take(found, kept, waiting.terms)
            if not page or not page[-1].following:
                break
        return found

    def _take(self, found: Found, kept: Kept, terms: Terms) -> None:
        found.last = kept.sequence
        found.sequences.append(kept.sequence)
        item = None if REMINDER in kept.headers else self._item(kept, terms)
        if item is not None:
            found.items.append(item)
        elif REMINDER not in kept.headers:
            found.silenced += 1

    def _item(self, kept: Kept, terms: Terms) -> Item | None:
        """What waits there; None where it is silenced."""
        received = _received(kept)
        notification = notification_of(received.subject, received.event.data)
        if received.event.type == GROUP_TYPE:
            return Item(
                kept.sequence,
                received.event.id,
                named=False,
                notice=notice_of(received),
                count=_count(received),
                identity=_identity(kept, received),
            )
        if self._mutes(notification):
            return None
        thing, named = thing_of(notification, terms)
        return Item(kept.sequence, thing, named, notice_of(received), identity=_identity(kept, received))


def _identity(kept: Kept, received: Received) -> str:
    """What all copies share: the place in `ops`, and some of the delivery's id, should `ops` begin anew."""
    return f"{received.sequence}-{text(kept.headers, records.DELIVERY)[:_SIGNS]}"


def _count(received: Received) -> int:
    data = received.event.data
    count = data.get("count") if isinstance(data, Mapping) else None
    return count if isinstance(count, int) else 1


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
