"""How a target is doing: what was delivered, what waits, what was given up, and how it is at this moment.

Called by `ingress/statistics.py`; `figures.py` asks it what waits. Nothing is kept for it here: totals come from
`ops-counts`, what waits from the streams and their consumers, the rest from the processes themselves.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo

from app.delivery.ledger import counts, live
from app.delivery.ledger.counts import LastError, Totals
from app.delivery.ledger.live import Answer, LiveState
from app.errors import UnavailableError
from app.jetstream.read import StreamReader
from streams.consumers import durable
from streams.subjects import DEAD_LETTERS, OPS, OPS_SUBJECT, PARKED


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events that are not delivered yet."""

    number: int
    oldest: float | None  # when the oldest was stored, Unix seconds
    retention: float  # seconds after which the stream drops it; 0: never


@dataclass(frozen=True, slots=True)
class Statistics:
    """A target's figures at one time."""

    totals: Totals
    dead_letters: int  # that wait for somebody now
    parked: Backlog
    live: LiveState | None  # over all processes; None: none has had to do with it since it began
    replicas: Sequence[Answer]

    @property
    def last_error(self) -> LastError | None:
        """The newest failure that a process remembers, or that was counted before it began."""
        known = [error for error in (self.totals.last_error, _live_error(self.live)) if error is not None]
        return max(known, key=lambda error: error.at, default=None)


class StatisticsReader:
    """Puts a target's figures together."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    async def of(self, target: str) -> Statistics:
        """Raises: UnavailableError: JetStream does not answer."""
        totals, letters, backlog, answers = await asyncio.gather(
            counts.totals(self._reader, target),
            self._reader.extent(DEAD_LETTERS, f"{DEAD_LETTERS}.{target}"),
            self.backlog(target),
            self._ask(target),
        )
        states = [answer.state for answer in answers if answer.state is not None]
        return Statistics(totals, letters.number, backlog, live.merged(states), answers)

    async def _ask(self, target: str) -> list[Answer]:
        try:
            return await live.ask(self._reader.client, target)
        except NatsError as error:
            raise UnavailableError(f"the processes cannot be asked ({type(error).__name__})") from error

    async def backlog(self, target: str) -> Backlog:
        """What is parked, and for an ordered hook what it has not had of the stream yet.

        Raises:
            UnavailableError: JetStream does not answer.
        """
        parked, ordered = await asyncio.gather(self._parked(target), self._ordered(target))
        if ordered is None:
            return parked
        older = min(parked, ordered, key=lambda backlog: backlog.oldest or math.inf)
        return Backlog(parked.number + ordered.number, older.oldest, older.retention)

    async def _parked(self, target: str) -> Backlog:
        subject = f"{PARKED}.{target}"
        extent = await self._reader.extent(PARKED, subject)
        consumer = await self._reader.consumer(PARKED, durable(target))
        number = extent.number if consumer is None else _owed(consumer)  # without one nobody has had anything yet
        begin = 0 if consumer is None else _settled_up_to(consumer) + 1
        return Backlog(number, await self._stored(PARKED, subject, begin, number), extent.retention)

    async def _ordered(self, target: str) -> Backlog | None:
        consumer = await self._reader.consumer(OPS, durable(f"ordered_{target}"))
        if consumer is None:
            return None
        subject, number = consumer.config.filter_subject or OPS_SUBJECT, _owed(consumer)
        oldest = await self._stored(OPS, subject, _settled_up_to(consumer) + 1, number)
        return Backlog(number, oldest, await self._reader.retention(OPS))

    async def _stored(self, stream: str, subject: str, sequence: int, number: int) -> float | None:
        """When the oldest of what waits was stored."""
        oldest = await self._reader.first(stream, subject, sequence) if number else None
        return oldest.stored if oldest else None


def _owed(consumer: ConsumerInfo) -> int:
    return (consumer.num_pending or 0) + (consumer.num_ack_pending or 0)


def _settled_up_to(consumer: ConsumerInfo) -> int:
    """The sequence up to which every message is settled."""
    return (consumer.ack_floor.stream_seq or 0) if consumer.ack_floor else 0


def _live_error(state: LiveState | None) -> LastError | None:
    if state is None or not state.last_error_at:
        return None
    return LastError(state.last_error_at, state.last_error, state.last_error_status)
