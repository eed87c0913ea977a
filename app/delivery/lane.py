"""A target as this process sees it: its attempts in flight, its breaker, and whether it is behind.

`dispatch.py` puts events here that come straight from the stream, `drain.py` those that were kept for later. The lane
begins attempts in order, at most so many at a time, and holds off what the target cannot take now.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from app.delivery.breaker import Breaker
from app.delivery.delivery import Delivery, named
from app.delivery.outcome import Busy, Delivered, Failure, Gone, Outcome, Refused, TryLater
from app.delivery.retry import asked

log = logging.getLogger(__name__)

IN_FLIGHT: Final = 64  # attempts at one target at a time: a busy endpoint is used well, a slow one is not buried
PATIENCE: Final = 1.0  # seconds that an event may wait for a place before it is kept for later
HANG: Final = 0.25  # seconds in which at least one attempt must end while others wait; else nothing may wait


@dataclass(frozen=True, slots=True)
class Held:
    """No attempt was made: the target cannot take it now."""

    reason: str


Attempt = Callable[[Delivery], Awaitable[Outcome]]
Tell = Callable[[Outcome | Held], Coroutine[Any, Any, None]]

OPEN: Final = Held("the target takes nothing at present")
BEHIND: Final = Held("others wait already")
FULL: Final = Held("the target is slower than its events come")
PAUSED: Final = Held("the hook is paused")
_FAULT: Final = TryLater("a fault of ours, which stands in the log")


@dataclass(slots=True)
class Tally:
    """What a lane has seen since this process began."""

    delivered: int = 0
    failed: int = 0
    last: Failure | None = None
    last_at: float = 0.0  # Unix seconds


class _Waiting(NamedTuple):
    delivery: Delivery
    tell: Tell
    since: float  # monotonic seconds
    may_wait: bool  # it was kept for later already: it waits for its place as long as it takes


@dataclass(slots=True)
class _Flow:
    """How attempts come and go."""

    limit: int = IN_FLIGHT
    busy: int = 0  # places that are taken
    ended: int = 0
    queue: deque[_Waiting] = field(default_factory=deque)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Lane:
    """Takes deliveries for one target, begins them in order, and tells how each went."""

    def __init__(self, target: str, attempt: Attempt, paused: Callable[[str], bool] = lambda _: False) -> None:
        self._target = target
        self._attempt = attempt
        self._paused = paused
        self._flow = _Flow()
        self._watch: asyncio.TimerHandle | None = None
        self.breaker = Breaker()
        self.tally = Tally()
        self.behind = False  # events are kept for it that nobody has tried yet: newer ones queue up behind them
        self.changed: Callable[[], None] = _nobody  # told of any change that a drain may wait for

    @property
    def in_flight(self) -> int:
        return self._flow.busy

    @property
    def queued(self) -> int:
        return len(self._flow.queue)

    def put(self, delivery: Delivery, tell: Tell) -> Held | None:
        """Attempt a delivery soon, and `tell` once how that went; or hold it off, and say why."""
        if (held := self._obstacle() or (BEHIND if self.behind else None)) is not None:
            return held
        self._enqueue(_Waiting(delivery, tell, time.monotonic(), may_wait=False))
        return None

    def put_kept(self, delivery: Delivery, tell: Tell) -> Held | None:
        """The same for one that was kept for later: being behind holds up nobody of those."""
        if (held := self._obstacle()) is not None:
            return held
        self._enqueue(_Waiting(delivery, tell, time.monotonic(), may_wait=True))
        return None

    async def probe(self, delivery: Delivery) -> Outcome:
        """One attempt, whatever the breaker says, to learn whether the target is back."""
        self.breaker.probing()
        return await self._try(delivery)

    def fall_behind(self) -> None:
        """Events are being kept for it: newer ones are to queue up behind them."""
        if not self.behind:
            self.behind = True
            self.changed()

    def catch_up(self) -> None:
        """Nothing waits any more: events go straight to the target again."""
        self.behind = False

    def close(self) -> Collection[asyncio.Task[None]]:
        """Begin no more attempts; returns those under way."""
        self._flow.queue.clear()
        return tuple(self._flow.tasks)

    def cancel(self) -> None:
        """End all work without a word."""
        for task in self.close():
            task.cancel()

    def _obstacle(self) -> Held | None:
        """Why the target gets nothing at all at present, if so."""
        if self._paused(self._target):
            return PAUSED
        return None if self.breaker.closed else OPEN

    def _enqueue(self, waiting: _Waiting) -> None:
        flow = self._flow
        flow.queue.append(waiting)
        if flow.busy < flow.limit:
            flow.busy += 1
            self._start(self._work())
        elif self._watch is None:
            self._watch_from_now()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._flow.tasks.add(task)
        task.add_done_callback(self._flow.tasks.discard)

    async def _work(self) -> None:
        """One place in flight: takes from the queue until it is empty, or there are too many places."""
        flow = self._flow
        try:
            while flow.queue and flow.busy <= flow.limit:
                waiting = flow.queue.popleft()
                held = self._obstacle()  # things may have changed since it was put here
                outcome = await self._try(waiting.delivery) if held is None else held
                flow.ended += 1
                await waiting.tell(outcome)
        finally:
            flow.busy -= 1

    async def _try(self, delivery: Delivery) -> Outcome:
        try:
            outcome = await self._attempt(delivery)
        except Exception:  # the one place that decides: whatever went wrong, the event must not be stuck
            log.exception("an attempt at %s failed by a fault of ours", self._target, extra=named(delivery))
            outcome = _FAULT
        self._learn(outcome)
        return outcome

    def _learn(self, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            self.tally.delivered += 1
            if self._flow.limit < IN_FLIGHT:
                self._flow.limit += 1
            if self.breaker.succeeded():
                self._tell_works()
            return
        self.tally.failed += 1
        self.tally.last, self.tally.last_at = outcome, time.time()
        self._learn_of_failure(outcome)

    def _learn_of_failure(self, outcome: Failure) -> None:
        if isinstance(outcome, Busy):
            self._flow.limit = max(1, self._flow.limit // 2)
        if isinstance(outcome, TryLater | Busy):
            self._count_against_the_target(outcome)
        elif isinstance(outcome, Refused | Gone) and self.breaker.answered():  # it answers: it is not down
            self._tell_works()

    def _count_against_the_target(self, outcome: TryLater | Busy) -> None:
        if self.breaker.state == "probing":
            self.breaker.probe_failed(asked(outcome))
        elif self.breaker.failed(asked(outcome)):
            self.fall_behind()
            log.warning(
                "%s is down, its events are kept for later: %s",
                self._target,
                outcome.reason,
                extra={"target": self._target},
            )

    def _tell_works(self) -> None:
        self.changed()
        log.info("%s works again", self._target, extra={"target": self._target})

    def _watch_from_now(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(HANG, self._look, self._flow.ended)

    def _look(self, ended_before: int) -> None:
        """Hold off what has waited too long: an endpoint that is slow or hangs ties up nothing but its own attempts."""
        self._watch = None
        queue = self._flow.queue
        patience = 0.0 if self._flow.ended == ended_before else PATIENCE
        since = time.monotonic() - patience
        if any(waiting.since <= since and not waiting.may_wait for waiting in queue):
            self.fall_behind()
            self._flow.queue = deque(waiting for waiting in queue if waiting.may_wait)
            for waiting in queue:
                if not waiting.may_wait:
                    self._start(waiting.tell(FULL))
        if self._flow.queue:
            self._watch_from_now()


def _nobody() -> None:
    """Nobody waits."""
