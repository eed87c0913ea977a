"""Messages that are owed, one by one: from what was written down to a settled message. Called by `drain.py`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from nats.aio.msg import Msg

from app.delivery.attempt import Lanes, Paused
from app.delivery.backlog.probes import Turns
from app.delivery.backlog.queues import Owed, Queue, Targets
from app.delivery.delivery import Target, named
from app.delivery.lane import PAUSED, Held
from app.delivery.outcome import Delivered, Failure, Outcome
from app.delivery.park import Parking
from app.delivery.retry import Again, Bury, Debt, after_failure, jittered
from app.delivery.settle import Settlement
from app.errors import OpsError
from app.events.cloudevent import NotACloudEventError
from app.jetstream.place import place_of

log = logging.getLogger(__name__)

HELD: Final = 1.0  # seconds before a message comes again that met a target which is down
FAULT: Final = 5.0  # seconds before a message comes again that could not be dealt with
_REMEMBERED: Final = 10_000  # messages of one queue whose tries are known in this process only


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom draining works with."""

    lanes: Lanes
    parking: Parking
    settlement: Settlement
    targets: Targets
    turns: Turns
    paused: Paused


class Repayment:
    """The messages of one queue that are being worked on."""

    def __init__(self, key: str, queue: Queue, desk: Desk) -> None:
        self._key = key
        self._queue = queue
        self._desk = desk
        self._lane = desk.lanes[key]
        self._room = asyncio.Semaphore(queue.window)
        self._debts: dict[int, Debt] = {}  # by sequence: what was tried since it was written down
        self.open = 0
        self.settled: Callable[[], None] = lambda: None  # told when the last one that was being worked on is settled

    async def begin(self, message: Msg) -> None:
        """Give a message to the lane; waits while too many are being worked on."""
        owed = await self._due(message)
        if owed is None:
            return
        hear = partial(self._hear, message, owed)
        if (held := self._lane.put_kept(owed.delivery, hear)) is not None:
            await hear(held)

    async def probe(self, message: Msg) -> None:
        """One attempt, whatever the breaker says."""
        owed = await self._due(message)
        if owed is not None:
            paused = self._desk.paused(self._key)
            await self._hear(message, owed, PAUSED if paused else await self._lane.probe(owed.delivery))

    async def bury(self, message: Msg, reason: str) -> None:
        """Give a message up without an attempt, also where its target cannot be read."""
        owed = await self._take(message, self._target() or Target(self._key, "", "", "", {}))
        if owed is not None:
            await self._safely(message, self._give_up(message, owed, Bury(owed.debt, reason), None))

    def _target(self) -> Target | None:
        return self._desk.targets.target(self._key)

    async def _due(self, message: Msg) -> Owed | None:
        """What a message stands for; None where it is settled already: there is nothing to attempt now."""
        owed = await self._take(message, self._target())
        if owed is not None and (early := owed.debt.not_before - time.time()) > 0:
            await self._later(message, early)
            return None
        return owed

    async def _take(self, message: Msg, target: Target | None) -> Owed | None:
        """Begin work on a message; None where it is settled already."""
        await self._room.acquire()
        self.open += 1
        self._desk.settlement.begin([message])
        if target is None:
            await self._later(message, jittered(FAULT))
            return None
        try:
            owed = await self._read(message, target)
        except Exception:  # the one place that decides: a fault at one message must not hold up the others
            log.exception(
                "reading what %s is owed failed by a fault of ours; it is kept", self._key, extra={"target": self._key}
            )
            await self._later(message, jittered(FAULT))
            return None
        if owed is None:
            await self._done(message)
        return owed

    async def _read(self, message: Msg, target: Target) -> Owed | None:
        try:
            owed = await self._queue.owed(message, target)
        except NotACloudEventError:
            return None
        debt = self._debts.get(place_of(message.reply).sequence) if self._debts else None
        if owed is None or debt is None:
            return owed
        return Owed(replace(owed.delivery, attempts=debt.attempts), debt)  # more was tried since it was written down

    async def _hear(self, message: Msg, owed: Owed, outcome: Outcome | Held) -> None:
        if isinstance(outcome, Delivered):
            await self._done(message)
        elif isinstance(outcome, Held):
            await self._later(message, jittered(HELD))
        else:
            await self._safely(message, self._failed(message, owed, outcome))

    async def _failed(self, message: Msg, owed: Owed, outcome: Failure) -> None:
        took_others = self._lane.breaker.succeeded_at
        verdict = after_failure(owed.debt, outcome, now=time.time(), took_others=took_others)
        if isinstance(verdict, Bury):
            await self._give_up(message, owed, verdict, outcome)
        elif verdict.debt.tries > owed.debt.tries and self._queue.owned:
            # What counts against it is written down, so that a restart does not begin the count anew.
            copy = f"-{place_of(message.reply).sequence}"
            await self._desk.parking.park(owed.delivery, outcome.reason, verdict.debt, copy=copy)
            await self._done(message)
        else:
            self._remember(message, verdict)
            await self._later(message, verdict.seconds)

    async def _give_up(self, message: Msg, owed: Owed, verdict: Bury, last: Failure | None) -> None:
        copy = f"-{self._queue.stream}-{place_of(message.reply).sequence}"
        await self._desk.parking.bury(owed.delivery, verdict.reason, verdict.debt, copy=copy, last=last)
        log.warning("a dead letter for %s: %s", self._key, verdict.reason, extra=named(owed.delivery))
        await self._done(message)

    async def _safely(self, message: Msg, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OpsError as error:
            log.warning(
                "an event for %s waits, as JetStream does not take it: %s",
                self._key,
                error,
                extra={"target": self._key},
            )
        except Exception:  # the one place that decides: a message that nobody settles would never come again
            log.exception(
                "writing down what %s is owed failed by a fault of ours; it is kept",
                self._key,
                extra={"target": self._key},
            )
        else:
            return
        await self._later(message, jittered(FAULT))

    def _remember(self, message: Msg, verdict: Again) -> None:
        self._debts[place_of(message.reply).sequence] = verdict.debt
        if len(self._debts) > _REMEMBERED:
            del self._debts[next(iter(self._debts))]

    async def _done(self, message: Msg) -> None:
        if self._debts:
            self._debts.pop(place_of(message.reply).sequence, None)
        await self._desk.settlement.done(message)
        self._release()

    async def _later(self, message: Msg, seconds: float) -> None:
        await self._desk.settlement.later(message, seconds)
        self._release()

    def _release(self) -> None:
        self.open -= 1
        self._room.release()
        if not self.open:
            self.settled()
