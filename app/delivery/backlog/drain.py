"""Working off what one target is owed: at full speed while it takes events, probe by probe while it does not.

One drain a target and queue, in each process that has the role; the consumer on the server divides the work. Started
and ended by `drains.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from app.delivery.backlog.cursor import Cursor
from app.delivery.backlog.probes import origin_of
from app.delivery.backlog.queues import Queue
from app.delivery.backlog.repay import FAULT, Desk, Repayment
from app.delivery.retry import jittered
from app.errors import OpsError
from app.jetstream.place import place_of
from app.jetstream.pull import Pull

log = logging.getLogger(__name__)

LINGER: Final = 60.0  # seconds without anything owed before the consumer goes
EXPIRES: Final = 23 * 3600.0  # seconds an event may wait: a dead letter before the stream drops it without a word
LOOK: Final = 600.0  # seconds between two looks at what is about to expire, while nothing is delivered
_HEARTBEAT: Final = 15.0  # seconds between the server's signs of life: many drains idle
_PROBE: Final = 3.0  # seconds after which a probe that hangs is joined by another
_PROBES: Final = 4  # probes at a time
_EXPIRED: Final = f"it could not be delivered within {EXPIRES / 3600:.0f} hours"


class Drain:
    """Works off one queue of one target until nothing is owed."""

    def __init__(self, key: str, queue: Queue, desk: Desk, client: Client) -> None:
        self._key = key
        self._queue = queue
        self._desk = desk
        self._lane = desk.lanes[key]
        self._cursor = Cursor(client, queue)
        self._repayment = Repayment(key, queue, desk)
        self._repayment.settled = self._settled
        self._pending = 0  # that the consumer had yet to give out, when it was last heard
        self._busy_at = time.monotonic()
        self._past_the_end = False
        self._looked_at = 0.0
        self._told = ""
        self._pull: Pull | None = None
        self._changed = asyncio.Event()
        self._probes: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something has changed: more is owed, the hook or its pause is another, the target is back."""
        self._changed.set()
        if self._pull is not None:
            self._pull.wake()

    async def run(self) -> None:
        """Return once nothing has been owed for a while, or the target is gone. Cancelled, it leaves all as it is."""
        try:
            while not await self._carefully(self._turn()):
                self._changed.clear()
            if self._probes:
                await asyncio.wait(self._probes)
        finally:
            for probe in self._probes:
                probe.cancel()

    async def _carefully(self, turn: Awaitable[bool]) -> bool:
        try:
            return await turn
        except (NatsError, APIError, ConnectionError, TimeoutError, OpsError) as error:
            self._report(error)
        except Exception:  # the one place that decides: what is owed must not be forgotten over a fault of ours
            log.exception("draining %s failed by a fault of ours; it goes on", self._key, extra={"target": self._key})
        self._cursor.forget()
        await self._wait(jittered(FAULT) / 5)
        return False

    def _report(self, error: Exception) -> None:
        """Tell the log once of what waiting may not mend; of a server that is away others tell."""
        refused = isinstance(error, APIError) and not isinstance(error, NotFoundError | ServiceUnavailableError)
        if refused and str(error) != self._told:
            self._told = str(error)
            log.warning(
                "what %s is owed waits, JetStream refuses a consumer: %s", self._key, error, extra={"target": self._key}
            )
        log.debug("draining %s waits for JetStream (%s)", self._key, type(error).__name__)

    async def _turn(self) -> bool:
        """One stretch of work of one kind; true where there is nothing more to do."""
        if await self._is_gone():
            return True
        if not await self._cursor.prepare():
            return True
        if not self._may_flow():
            await self._bury_what_expires()
            await self._wait(LOOK)
            return False
        if self._lane.breaker.closed:
            return await self._flow()
        await self._bury_what_expires()
        await self._probe()
        return False

    async def _is_gone(self) -> bool:
        """Whether there is no such target any more; then nothing is left of what it was owed."""
        targets = self._desk.targets
        if not targets.is_gone(self._key):
            return False
        last = await self._cursor.last()  # what is parked later may be for a new one of the same name
        if gone := await targets.confirm_gone(self._key):
            await self._cursor.remove(last)
        return gone

    def _may_flow(self) -> bool:
        return not self._desk.paused(self._key) and self._desk.targets.target(self._key) is not None

    async def _flow(self) -> bool:
        """At full speed, until something changes; true where nothing has been owed for long."""
        async with self._cursor.pulling(_HEARTBEAT) as pull:
            self._pull = pull
            try:
                while self._flows():
                    batch = await pull.batch()
                    self._desk.settlement.begin(batch)
                    for message in batch:
                        self._note(message)
                        await self._repayment.begin(message)
                    if await self._has_nothing_left(batch):
                        return True
            finally:
                self._pull = None
        return False

    def _flows(self) -> bool:
        return self._lane.breaker.closed and self._may_flow() and self._cursor.is_prepared

    def _note(self, message: Msg) -> None:
        place = place_of(message.reply)
        self._busy_at = time.monotonic()
        self._pending = place.pending
        self._past_the_end = place.stored > self._queue.ends
        if self._pending and self._queue.owned:
            self._lane.behind = True

    def _settled(self) -> None:
        """All that was begun is settled: newer events go straight to the target, unless more waits."""
        if not self._pending and self._queue.owned:
            self._lane.catch_up()

    async def _has_nothing_left(self, batch: list[Msg]) -> bool:
        await self._cursor.purge_now_and_then()
        if self._past_the_end:  # a queue that ends is in order: all before is settled
            await self._cursor.delete()
            return True
        if batch or self._repayment.open:
            return False
        if self._queue.owned and self._lane.behind and not (await self._cursor.state()).num_pending:
            self._lane.catch_up()  # what was parked was there already, or went to another replica
        if time.monotonic() - self._busy_at < LINGER:
            return False
        self._busy_at = time.monotonic()
        return (self._queue.owned or time.time() > self._queue.ends) and await self._cursor.remove_if_done()

    async def _probe(self) -> None:
        """One attempt when it is time, to learn whether the target is back; one that hangs is joined by others."""
        if (seconds := self._lane.breaker.probe_in) > 0:
            await self._wait(min(seconds, LOOK))
        elif len(self._probes) >= _PROBES:
            await asyncio.wait(self._probes, timeout=_PROBE, return_when=asyncio.FIRST_COMPLETED)
        elif await self._desk.turns.take(self._origin(), self._changed):
            await self._probe_with_the_next()

    async def _probe_with_the_next(self) -> None:
        if (message := await self._cursor.one()) is None:
            await self._close_if_nothing_is_owed()
            return
        probe = asyncio.create_task(self._send_probe(message))
        self._probes.add(probe)
        probe.add_done_callback(self._probes.discard)
        await asyncio.wait({probe}, timeout=_PROBE)

    async def _send_probe(self, message: Msg) -> None:
        await self._repayment.probe(message)
        if self._lane.breaker.closed:
            self._desk.turns.alive(self._origin())

    async def _close_if_nothing_is_owed(self) -> None:
        state = await self._cursor.state()
        if not state.num_pending and not state.num_ack_pending:
            self._lane.breaker.close()
            self._lane.catch_up()

    def _origin(self) -> str:
        target = self._desk.targets.target(self._key)
        return "" if target is None else origin_of(target.url)

    async def _bury_what_expires(self) -> None:
        """The stream is about to drop what has waited for so long: make dead letters of it, which live a week."""
        if self._looked_at and time.monotonic() - self._looked_at < LOOK:
            return
        self._looked_at = time.monotonic()
        while (message := await self._cursor.one()) is not None:
            if time.time() - place_of(message.reply).stored < EXPIRES:
                await message.nak()
                return
            await self._repayment.bury(message, _EXPIRED)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
