"""Looks at each group when its time has come, and makes one message of what waits. Any replica does, each group once.

Every notification that waits is its own timer: a message that is put back with a delay until its group is due. The
first that comes then tells all of them; the others find that nothing is left to do. What is told is written down first,
and then handed over under an id that follows from it: whoever is killed in between, the next to look finishes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakValueDictionary

from nats.aio.msg import Msg

from app.delivery.retry import jittered
from app.delivery.settle import Settlement
from app.errors import ConflictError, OpsError
from app.events import cloudevent
from app.jetstream.pull import Batch
from app.notifications.groups import telling
from app.notifications.groups.collecting import Collector
from app.notifications.groups.handing import Handover
from app.notifications.groups.state import GroupState, Handing
from app.notifications.groups.states import GroupStates, Read
from app.notifications.groups.telling import Verdict
from app.notifications.groups.waiting import Waiting, waiting_of
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

LONGEST: Final = 60.0  # seconds that a message is put back at most: clocks may be set
_FAULT: Final = 5.0  # seconds before a message comes again that we failed at
_AT_ONCE: Final = 64  # groups that are looked at together
_TRIES: Final = 10  # times that somebody else may have been quicker

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
    clock: Callable[[], float]  # Unix seconds
    other: Reminder
    longest: float = LONGEST


class Keeper:
    """Takes batches of what waits, and settles each message: told, or put back until it is due."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, batch: Batch) -> None:
        self._desk.settlement.begin(batch.raw_message)
        for message in batch.raw_message:
            await self._safely(message, self._look(message))

    async def finish(self) -> None:
        """Wait for the groups that are being told; called when nothing more is read."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _look(self, message: Msg) -> None:
        try:
            waiting = waiting_of(message)
        except ValueError:
            await self._settle(message, await self._desk.other(message))
            return
        seen = self._desk.states.seen(waiting.key)
        if seen is not None and seen.has_told(waiting.sequence):
            await self._settle(message, None)
        elif seen is not None and (early := self._early(waiting, seen)) > 0:
            await self._settle(message, early)
        else:
            await self._beside(message, waiting)

    async def _beside(self, message: Msg, waiting: Waiting) -> None:
        """Ask the server, and go on with the next message meanwhile."""
        await self._places.acquire()
        task = asyncio.create_task(self._safely(message, self._ask(message, waiting)))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()

    async def _ask(self, message: Msg, waiting: Waiting) -> None:
        lock = self._locks.setdefault(waiting.key, asyncio.Lock())
        async with lock:
            await self._settle(message, await self._patiently(waiting))

    async def _patiently(self, waiting: Waiting) -> float | None:
        """Seconds until the message is to come again; None: it is done."""
        for _ in range(_TRIES):
            with suppress(ConflictError):  # another replica looks at the same group
                return await self._work(waiting)
        return jittered(1.0)

    async def _work(self, waiting: Waiting) -> float | None:
        read = await self._desk.states.read(waiting.key)
        while True:
            read = await self._finished(waiting, read)
            state, revision = read
            if state.has_told(waiting.sequence):
                return None
            if (early := self._early(waiting, state)) > 0:
                return early
            after = await self._decided(waiting, state)
            if after.flushed <= state.flushed:  # the replica that was asked does not have it yet
                return jittered(1.0)
            read = await self._desk.states.write(waiting.key, after, revision)

    def _early(self, waiting: Waiting, state: GroupState) -> float:
        return telling.due(waiting.terms, waiting.stored, state) - self._desk.clock()

    async def _decided(self, waiting: Waiting, state: GroupState) -> GroupState:
        """The state from now on, with the message that is to be handed over, if there is one."""
        now = self._desk.clock()
        found = await self._desk.collect(waiting, state.flushed + 1)
        if found.items or not waiting.is_reminder:
            verdict = telling.decide(state, found.items, found.last, waiting.terms, now)
        else:
            verdict = telling.remind(state, found.last, waiting.terms, now)
        self._desk.metrics.notifications_silenced.inc(found.silenced)
        return verdict.state if verdict.data is None else await self._with_handing(waiting, state, verdict)

    async def _with_handing(self, waiting: Waiting, before: GroupState, verdict: Verdict) -> GroupState:
        state, data = verdict
        span = (str(before.flushed), str(state.flushed))
        remind = waiting.terms.repeat > 0 and bool(state.things) and not state.is_over
        handing = Handing(
            id=cloudevent.deterministic_id("group", waiting.key, *span),
            data=data or {},
            beyond=await self._desk.handover.beyond(waiting),
            remind=remind,
        )
        return state.model_copy(update={"handing": handing, "last": data if remind else None})

    async def _finished(self, waiting: Waiting, read: Read) -> Read:
        """The state when nothing is being handed over any more."""
        state, revision = read
        if state.handing is None:
            return read
        await self._desk.handover(waiting, state.handing)
        after = await self._desk.states.write(waiting.key, state.model_copy(update={"handing": None}), revision)
        await self._desk.handover.forget(waiting, state.flushed)
        return after

    async def _settle(self, message: Msg, seconds: float | None) -> None:
        if seconds is None:
            await self._desk.settlement.done(message)
        else:
            await self._desk.settlement.later(message, min(seconds, self._desk.longest))

    async def _safely(self, message: Msg, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OpsError as error:
            log.warning("a notification on %s waits on: %s", message.subject, error)
            await self._desk.settlement.later(message, jittered(_FAULT))
        except Exception:  # the one place that decides: a fault at one group must not hold up the others
            log.exception("looking at %s failed by a fault of ours; it is kept", message.subject)
            await self._desk.settlement.later(message, jittered(_FAULT))
