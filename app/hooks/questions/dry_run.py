"""A dry run: which of the stored events a hook would have been given, had it been there. Nothing is sent or kept.

The newest events are looked at first, part by part from the end of the stream, so that what a bound of time or number
ends is still whole: everything between the first and the last event that is told was looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nats.aio.msg import Msg

from app.delivery.arrival import received_of
from app.delivery.delivery import Received, delivery_of
from app.events import cloudevent
from app.hooks.hook import parse
from app.hooks.matching.match import CompiledHook, Verdict, compile_hook
from app.hooks.moment import rfc3339
from app.hooks.questions.preview import CHARACTERS, Preview, preview
from app.jetstream.past import Slice, bounds, earlier, newest, reading, sequence_at
from app.jetstream.place import place_of
from app.jetstream.read import StreamReader
from streams.subjects import OPS

SECONDS: Final = 10.0
EVENTS: Final = 200_000
_SAMPLES: Final = 10
_SUBJECTS: Final = 10
_NAME: Final = "dry-run"  # of a hook that has none yet

Decide = Callable[[CompiledHook, Received], Awaitable[Verdict]]  # whether a hook wants an event on its subject


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the stream `ops`."""

    sequence: int
    time: str  # when the stream took it, RFC 3339


@dataclass(frozen=True, slots=True)
class Sample:
    """An event that would have been sent."""

    sequence: int
    time: str
    id: str
    type: str
    subject: str
    text: str  # the beginning of the readable text, which keywords are matched against
    sends: Preview


@dataclass(frozen=True, slots=True)
class Matches:
    """How many of the events that would have been sent were on a subject."""

    subject: str
    matched: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a dry run found."""

    complete: bool  # all hours that were asked for were looked at
    read: int  # events on the hook's subject
    matched: int
    undecided: int  # of those that matched: a keyword's pattern ran out of time
    unreadable: int  # messages that are no CloudEvent
    first: Place | None  # the oldest event that was looked at
    last: Place | None  # the newest
    subjects: list[Matches]  # where most of them were
    samples: list[Sample]  # the newest


class DryRuns:
    """Tries hooks on stored events."""

    def __init__(self, reader: StreamReader, decide: Decide, seconds: float = SECONDS, events: int = EVENTS) -> None:
        """Make dry runs that end after so many seconds, or about so many events."""
        self._reader = reader
        self._decide = decide
        self._seconds = seconds
        self._events = events

    async def run(self, namespace: str, resource: Mapping[str, Any], hours: float) -> DryRun:
        """Try a hook, whose metadata need not be complete, on the events of the last hours.

        Raises:
            InvalidResourceError: the hook breaks a rule.
            UnavailableError: JetStream does not answer.
        """
        hook = await asyncio.to_thread(lambda: compile_hook(parse(_named(resource), namespace)))
        tally = _Tally()
        try:
            async with asyncio.timeout(self._seconds):
                complete = await self._look(hook, hours, tally)
        except TimeoutError:
            complete = False
        return tally.result(complete=complete)

    async def _look(self, hook: CompiledHook, hours: float, tally: _Tally) -> bool:
        """Whether the bound of number let it look at everything."""
        _, end = await bounds(self._reader, OPS)
        begin = await sequence_at(self._reader, OPS, time.time() - hours * 3600)
        whole = Slice(OPS, hook.hook.spec.subject, begin, end)
        part = newest(whole)
        while part is not None and tally.read < self._events:
            found = await self._part(hook, part)
            tally.put_before(found)
            part = earlier(whole, part, found.read)
        return part is None

    async def _part(self, hook: CompiledHook, part: Slice) -> _Tally:
        tally = _Tally()
        async with reading(self._reader.client, part) as batches:
            async for batch in batches:
                for message in batch:
                    await self._count(hook, message, tally)
                await asyncio.sleep(0)  # others have their turn
        return tally

    async def _count(self, hook: CompiledHook, message: Msg, tally: _Tally) -> None:
        tally.see(message)
        try:
            received = received_of(message, cloudevent.read(message.data, message.headers))
        except cloudevent.NotACloudEventError:
            tally.unreadable += 1
            return
        wanted = await self._decide(hook, received)
        if wanted is not False:
            tally.take(hook, received, undecided=wanted is None)


@dataclass(slots=True)
class _Tally:
    """What was counted so far."""

    read: int = 0
    matched: int = 0
    undecided: int = 0
    unreadable: int = 0
    first: str = ""  # reply subjects, which say where a message stands
    last: str = ""
    subjects: Counter[str] = field(default_factory=Counter)
    samples: deque[tuple[CompiledHook, Received]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    def see(self, message: Msg) -> None:
        self.read += 1
        self.first = self.first or message.reply
        self.last = message.reply

    def take(self, hook: CompiledHook, received: Received, *, undecided: bool) -> None:
        self.matched += 1
        self.undecided += undecided
        self.subjects[received.subject] += 1
        self.samples.append((hook, received))

    def put_before(self, older: _Tally) -> None:
        """Add what was counted in an older part."""
        self.read += older.read
        self.matched += older.matched
        self.undecided += older.undecided
        self.unreadable += older.unreadable
        self.first, self.last = older.first or self.first, self.last or older.last
        self.subjects.update(older.subjects)
        self.samples = deque([*older.samples, *self.samples], maxlen=_SAMPLES)

    def result(self, *, complete: bool) -> DryRun:
        return DryRun(
            complete=complete,
            read=self.read,
            matched=self.matched,
            undecided=self.undecided,
            unreadable=self.unreadable,
            first=_place(self.first),
            last=_place(self.last),
            subjects=[Matches(*counted) for counted in self.subjects.most_common(_SUBJECTS)],
            samples=[_sample(*sample) for sample in reversed(self.samples)],
        )


def _named(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = resource.get("metadata", {})
    return {**resource, "metadata": {"name": _NAME, **metadata}} if isinstance(metadata, Mapping) else resource


def _place(reply: str) -> Place | None:
    place = place_of(reply)
    return Place(place.sequence, rfc3339(place.stored)) if reply else None


def _sample(hook: CompiledHook, received: Received) -> Sample:
    return Sample(
        sequence=received.sequence,
        time=rfc3339(received.stored),
        id=received.event.id,
        type=received.event.type,
        subject=received.subject,
        text=received.text[:CHARACTERS],
        sends=preview(delivery_of(received, hook.target)),
    )
