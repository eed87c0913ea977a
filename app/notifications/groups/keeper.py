"""Looks at each group when its time has come, and makes one message of what waits. Any replica does, each group once.

Every notification that waits is a message that is put back with a delay until its group is due (`timers.py`). The first
that comes then tells all of them, and removes them; what comes all the same finds that nothing is left to do. What is
told is written down first, and then handed over under an id that follows from it: whoever is killed in between, the
next to look finishes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from weakref import WeakValueDictionary

from nats.aio.msg import Msg

from app.delivery.retry import jittered
from app.delivery.settle import Settlement
from app.errors import ConflictError, OpsError
from app.events import cloudevent
from app.jetstream.beside import Beside
from app.jetstream.place import place_of
from app.jetstream.subscriber import Batch
from app.notifications.groups import telling
from app.notifications.groups.collecting import NOTHING, Collector, Found
from app.notifications.groups.forgetting import Forgetting
from app.notifications.groups.handing import Handover
from app.notifications.groups.state import GroupState, Handing, Last
from app.notifications.groups.states import GroupStates, Read
from app.notifications.groups.telling import Verdict
from app.notifications.groups.timers import Look, Timers, look
from app.notifications.groups.waiting import Waiting, waiting_of
from app.notifications.notification import Notification
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_FAULT: Final = 5.0  # seconds before a message comes again that we failed at
_COVERED: Final = 1.0  # seconds before a message comes again that another one, which has yet to look, tells
_ENOUGH: Final = 2  # messages of a group: while one is being looked at, the other waits, and will read all that came
_AT_ONCE: Final = 64  # groups that are looked at together
_MUTED: Final = 60.0  # seconds between two looks at whether what is to be reminded of is still silenced
_LINKS: Final = 20  # traces that a group's message names, of the notifications that it tells
_TRIES: Final = 10  # times that somebody else may have been quicker
_NOTHING_TOLD: Final = GroupState()

Reminder = Callable[
    [Msg], Coroutine[Any, Any, float | None]
]  # for what is no group's: seconds until it is due, or None


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom the keeper works with."""

    states: GroupStates
    collect: Collector
    handover: Handover
    settlement: Settlement
    metrics: Metrics
    forgetting: Forgetting
    clock: Callable[[], float]  # Unix seconds
    mutes: Callable[[Notification], bool]
    other: Reminder
    between: Look = look


class Keeper:
    """Takes batches of what waits, and settles each message: told, or put back until it is due."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._beside = Beside(_AT_ONCE)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._looking = Counter[str]()  # by group: messages that are looked at, one after the other
        self._timers = Timers(desk.between)

    async def __call__(self, batch: Batch) -> None:
        self._desk.settlement.begin(batch.raw_message)
        for message in batch.raw_message:
            await self._safely(message, self._look(message))

    async def finish(self) -> None:
        """Wait for the groups that are being told; called when nothing more is read."""
        await self._beside.finish()

    async def _look(self, message: Msg) -> None:
        try:
            waiting = waiting_of(message)
        except ValueError:
            await self._beside.begin(self._safely(message, self._look_at_other(message)))
            return
        seen = self._desk.states.seen(waiting.key) or _NOTHING_TOLD
        due, now = _due(waiting, seen), self._desk.clock()
        if _is_told(waiting, seen):
            await self._beside.begin(self._safely(message, self._forget(message)))
        elif due > now and seen.handing is None:  # what was told since it was seen makes it later, never earlier
            await self._later(message, self._pause(waiting, due, now))
        elif self._looking[waiting.key] >= _ENOUGH:
            await self._later(message, jittered(_COVERED))
        else:
            self._looking[waiting.key] += 1
            await self._beside.begin(self._safely(message, self._ask(message, waiting)))

    async def _look_at_other(self, message: Msg) -> None:
        seconds = await self._desk.other(message)
        if seconds is None:
            await self._forget(message)
        else:
            await self._later(message, min(seconds, self._desk.between(seconds)))

    async def _ask(self, message: Msg, waiting: Waiting) -> None:
        try:
            async with self._locks.setdefault(waiting.key, asyncio.Lock()):
                seconds = await self._patiently(waiting)
        finally:
            self._looking -= Counter((waiting.key,))  # what is at zero goes
        if seconds is None:
            await self._forget(message)
        else:
            await self._later(message, seconds)

    async def _patiently(self, waiting: Waiting) -> float | None:
        """Seconds until the message is to come again; None: it is done."""
        for _ in range(_TRIES):
            with suppress(ConflictError):  # another replica looks at the same group
                return await self._work(waiting)
        return jittered(1.0)

    async def _work(self, waiting: Waiting) -> float | None:
        read, found = await self._desk.states.read(waiting.key), NOTHING
        if waiting.reminds_of:
            return await self._reminded(waiting, await self._finished(waiting, read))
        while True:
            read = await self._finished(waiting, read)
            state, revision = read
            if state.has_told(waiting.sequence):
                await self._desk.forgetting.many(waiting.subject, found.sequences)
                return None
            due, now = _due(waiting, state), self._desk.clock()
            if due > now:
                return self._pause(waiting, due, now)
            found = await self._desk.collect(waiting, state.flushed + 1)
            after = await self._decided(waiting, state, found)
            if after.flushed <= state.flushed:  # the replica that was asked does not have it yet
                return jittered(1.0)
            read = await self._desk.states.write(waiting.key, after, revision)
            self._desk.metrics.notifications_silenced.inc(found.silenced)  # here: of two replicas, one comes so far

    async def _decided(self, waiting: Waiting, state: GroupState, found: Found) -> GroupState:
        """The state from now on, with the message that is to be handed over, if there is one."""
        if await self._desk.handover.is_gone(waiting):
            originals = self._desk.collect.originals(waiting, state.flushed + 1, found.last)
            await self._desk.handover.leave_unrouted(waiting, originals)
            return state.model_copy(update={"flushed": found.last, "last": None})
        verdict = telling.decide(state, found.items, found.last, waiting.terms, self._desk.clock())
        links = tuple(islice(filter(None, (item.trace for item in found.items)), _LINKS))
        return await self._with_handing(waiting, state, verdict, links)

    async def _reminded(self, waiting: Waiting, read: Read) -> float | None:
        """Remind somebody of what is still so, if it is time; a later message has a reminder of its own."""
        state, revision = read
        at = telling.again(state, waiting.reminds_of, waiting.terms)
        if state.last is None or at is None:
            return None
        if at > (now := self._desk.clock()):
            return self._pause(waiting, at, now)
        data = telling.reminder(state, waiting.terms, self._desk.mutes)
        if data is None:  # the silence may end before it does
            return self._desk.between(_MUTED)
        verdict = Verdict(state.model_copy(update={"told": now}), data, state.last.standing)
        after = await self._with_handing(waiting, state, verdict)
        await self._finished(waiting, await self._desk.states.write(waiting.key, after, revision))
        return None

    def _pause(self, waiting: Waiting, due: float, now: float) -> float:
        """Seconds for which a message is put back that is due later than now; a reminder is nobody's timer."""
        if waiting.reminds_of:
            return min(due - now, self._desk.between(waiting.terms.wait))
        return self._timers.pause(waiting, due, now)

    async def _with_handing(
        self, waiting: Waiting, before: GroupState, verdict: Verdict, links: tuple[str, ...] = ()
    ) -> GroupState:
        state, data, standing = verdict
        if data is None:
            return state
        span = f"{before.flushed}-{state.flushed}"
        handing = Handing(
            id=cloudevent.deterministic_id("group", waiting.key, waiting.reminds_of, span),
            data=data,
            beyond=await self._desk.handover.beyond(waiting),
            remind=waiting.terms.repeat > 0 and bool(state.things) and not state.is_over,
            traces=links,
        )
        last = Last(id=handing.id, standing=standing) if handing.remind else None
        return state.model_copy(update={"handing": handing, "last": last})

    async def _finished(self, waiting: Waiting, read: Read) -> Read:
        """The state when nothing is being handed over any more."""
        state, revision = read
        if state.handing is None:
            return read
        await self._desk.handover(waiting, state.handing)
        return await self._desk.states.write(waiting.key, state.model_copy(update={"handing": None}), revision)

    async def _forget(self, message: Msg) -> None:
        """Remove a message for which nothing is left to do."""
        await self._desk.forgetting.one(place_of(message.reply).sequence)
        await self._desk.settlement.done(message)

    async def _later(self, message: Msg, seconds: float) -> None:
        await self._desk.settlement.later(message, seconds)

    async def _safely(self, message: Msg, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OpsError as error:
            log.warning("a notification on %s waits on: %s", message.subject, error, extra={"subject": message.subject})
            await self._desk.settlement.later(message, jittered(_FAULT))
        except Exception:  # the one place that decides: a fault at one group must not hold up the others
            log.exception(
                "looking at %s failed by a fault of ours; it is kept",
                message.subject,
                extra={"subject": message.subject},
            )
            await self._desk.settlement.later(message, jittered(_FAULT))


def _due(waiting: Waiting, state: GroupState) -> float:
    """When a message is to be looked at, Unix seconds."""
    if waiting.reminds_of:
        return waiting.stored + waiting.terms.wait
    return telling.due(waiting.terms, waiting.stored, state)


def _is_told(waiting: Waiting, state: GroupState) -> bool:
    return not waiting.reminds_of and state.has_told(waiting.sequence)
