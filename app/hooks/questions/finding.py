"""Finding one event, by its place in the stream or by its id. Called by `explain.py`.

An id is looked for where the hook has left traces of it, and then in the stream, from its end and within bounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from nats.aio.msg import Msg

from app.delivery import records
from app.delivery.delivery import Received
from app.delivery.ledger.history import History, Wanted
from app.delivery.park import number, own_headers, text
from app.errors import NotFoundError
from app.events import cloudevent
from app.hooks.hook import Hook
from app.jetstream.past import Slice, bounds, earlier, newest, reading
from app.jetstream.place import place_of
from app.jetstream.read import Head, Kept, StreamReader
from streams.consumers import durable
from streams.subjects import DEAD_LETTERS, OPS, OPS_SUBJECT, PARKED

SECONDS: Final = 5.0  # that each of the two ways through the stream may take
_EVENTS: Final = 100_000  # that each of them looks at
_TRACES: Final = 10_000  # parked events, and dead letters, that are looked at: the oldest of a target

Place = Literal["ops", "dead_letters", "parked"]


@dataclass(frozen=True, slots=True)
class Traces:
    """What is kept of a target's events beside the stream: the heads of messages, oldest first."""

    parked: Sequence[Head]
    letters: Sequence[Head]

    def __iter__(self) -> Iterator[tuple[Place, Head]]:
        """Newest first."""
        yield from (("dead_letters", head) for head in reversed(self.letters))
        yield from (("parked", head) for head in reversed(self.parked))


@dataclass(frozen=True, slots=True)
class Found:
    """An event, and where it was found."""

    place: Place
    subject: str
    sequence: int  # in the stream `ops`; 0: not known
    stored: float  # when `ops` took it, Unix seconds
    received: Received | None  # None: it is no CloudEvent


async def traces_of(reader: StreamReader, target: str) -> Traces:
    """Raises: UnavailableError: JetStream does not answer."""
    drain = await reader.consumer(PARKED, durable(target))
    settled = (drain.ack_floor.stream_seq or 0) if drain and drain.ack_floor else 0
    parked, letters = await asyncio.gather(
        reader.heads(PARKED, f"{PARKED}.{target}", settled + 1, _TRACES),
        reader.heads(DEAD_LETTERS, f"{DEAD_LETTERS}.{target}", 0, _TRACES),
    )
    return Traces(parked, letters)


class Finder:
    """Finds events. Its methods raise UnavailableError where JetStream does not answer."""

    def __init__(self, reader: StreamReader, history: History, seconds: float = SECONDS) -> None:
        """`seconds` is what each of the two ways through the stream may take."""
        self._reader = reader
        self._history = history
        self._seconds = seconds

    async def at(self, sequence: int, traces: Traces) -> Found:
        """The event at a sequence of `ops`, or what is kept of it.

        Raises:
            NotFoundError: there is none.
        """
        if (kept := await self._reader.get(OPS, sequence)) is not None:
            return _found("ops", kept.subject, sequence, kept.stored, kept)
        for place, head in traces:
            if number(head.headers, records.SEQUENCE) == sequence and (found := await self._open(place, head)):
                return found
        first, last = await bounds(self._reader, OPS)
        raise NotFoundError(
            f"there is no event {sequence}: the stream keeps the sequences {first} to {last}, and no parked event or"
            " dead letter of the hook is of that one"
        )

    async def by_id(self, identity: str, hook: Hook, traces: Traces) -> Found:
        """The newest event with an id.

        Raises:
            NotFoundError: there is none where it was looked for, which is told.
        """
        target = hook.target.key
        for place, head in traces:
            if text(head.headers, records.EVENT) == identity and (found := await self._open(place, head)):
                return found
        for line in (await self._history.page(target, Wanted(event=identity), 0, 1)).lines:
            with suppress(NotFoundError):
                return await self.at(line["sequence"], traces)
        subjects = dict.fromkeys((hook.spec.subject, OPS_SUBJECT))
        looked = []
        for subject in subjects:
            search = _Search(self._reader, identity, subject)
            if (found := await search.run(self._seconds)) is not None:
                return found
            looked.append(search.told())
        raise NotFoundError(
            f"there is no event {identity[:200]!r} among the attempts, parked events and dead letters of the hook, nor"
            f" {' nor '.join(looked)}: give its sequence with ?sequence=, which the answer to its publication has"
        )

    async def _open(self, place: Place, head: Head) -> Found | None:
        """What is kept of an event beside the stream, unless it has just gone."""
        kept = await self._reader.get(PARKED if place == "parked" else DEAD_LETTERS, head.sequence)
        if kept is None:
            return None
        sequence, stored = int(number(kept.headers, records.SEQUENCE)), number(kept.headers, records.STORED)
        return _found(place, text(kept.headers, records.SUBJECT), sequence, stored, kept)


class _Search:
    """Looks through the stream for an id, from its end, within a bound."""

    def __init__(self, reader: StreamReader, identity: str, subject: str) -> None:
        self._reader = reader
        self._identity = identity
        self._written = identity.encode("utf-8", "surrogatepass")
        self._subject = subject
        self._read = 0
        self._since: int | None = None  # the sequence from which on everything was looked at

    def told(self) -> str:
        """Where it has looked."""
        back = "" if self._since is None else f", back to the sequence {self._since}"
        return f"among the newest {self._read} events on {self._subject}{back}"

    async def run(self, seconds: float) -> Found | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._look()
        return None

    async def _look(self) -> Found | None:
        first, last = await bounds(self._reader, OPS)
        whole = Slice(OPS, self._subject, first, last)
        part = newest(whole)
        while part is not None and self._read < _EVENTS:
            before, found = self._read, None
            async for message in self._messages(part):
                found = message if self._is_it(message) else found
            if found is not None:
                return _of_message(found)
            self._since = part.first
            part = earlier(whole, part, self._read - before)
        return None

    async def _messages(self, part: Slice) -> AsyncIterator[Msg]:
        async with reading(self._reader.client, part) as batches:
            async for batch in batches:
                for message in batch:
                    yield message
                self._read += len(batch)
                await asyncio.sleep(0)  # others have their turn

    def _is_it(self, message: Msg) -> bool:
        headers = message.headers or {}
        if self._written not in message.data and self._identity not in headers.values():
            return False
        with suppress(cloudevent.NotACloudEventError):
            return cloudevent.read(message.data, headers).id == self._identity
        return False


def _of_message(message: Msg) -> Found:
    place = place_of(message.reply)
    kept = Kept(place.sequence, place.stored, message.headers or {}, len(message.data), message.subject, message.data)
    return _found("ops", message.subject, place.sequence, place.stored, kept)


def _found(place: Place, subject: str, sequence: int, stored: float, kept: Kept) -> Found:
    own = own_headers(kept.headers)
    received = None
    with suppress(cloudevent.NotACloudEventError):
        received = Received(
            event=cloudevent.read(kept.payload, own),
            payload=kept.payload,
            structured=cloudevent.is_structured(own),
            headers=own,
            subject=subject,
            sequence=sequence,
            stored=stored,
        )
    return Found(place, subject, sequence, stored, received)
