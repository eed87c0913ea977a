"""What shows how the process is, put together: metrics, traces, the canary. Made by `main.py`.

The metrics that count are given to the rooms, which count; those that are read off at a scrape stand in the table here.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client

from app.archive.tails import Tails
from app.delivery.service import DeliveryService, Work
from app.events import canary
from app.jetstream.broker import PreparedBroker
from app.jetstream.publish import Publish
from app.jetstream.standing import Queue, Standing, Stream, Wanted
from app.sources.canary import CanarySource
from app.sources.kubernetes.health import State
from app.telemetry.gauges import Gauges, Reading, Sample, one
from app.telemetry.lag import watch_the_loop
from app.telemetry.metrics import Metrics
from app.telemetry.sampling import Sampling
from app.telemetry.traces import Traces
from streams.subjects import ATTEMPTS, DEAD_LETTERS, GROUPS, HOOKS_MATCHER, NOTIFICATIONS_MATCHER, OPS, PARKED, PENDING

SERVICE: Final = "ops-events"
STREAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "ingress": (OPS,),
    "hooks": (OPS,),
    "notifications": (OPS, PENDING),
    "delivery": (PARKED, DEAD_LETTERS, ATTEMPTS),
}
QUEUES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "hooks": ((OPS, HOOKS_MATCHER),),
    "notifications": ((OPS, NOTIFICATIONS_MATCHER), (PENDING, GROUPS)),
}
_STREAM_OF: Final = {HOOKS_MATCHER: OPS, NOTIFICATIONS_MATCHER: OPS, GROUPS: PENDING}
_PARKED: Final = "parked"  # what waits in `ops-parked`, as a queue


@dataclass(frozen=True, slots=True)
class Sight:
    """What is to be seen, and of what."""

    version: str
    cluster: str
    roles: Collection[str]
    sampling: Sampling | None = None  # None: no traces
    canary: float = 0.0  # seconds between two; 0: none


@dataclass(frozen=True, slots=True)
class Seen:
    """What is looked at."""

    broker: PreparedBroker
    delivery: DeliveryService
    tails: Tails
    watches: Callable[[], Sequence[State]]


class Eyes:
    """The metrics and traces of one process, and what runs for them."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self.metrics = Metrics()
        self.metrics.built(sight.version)
        self.traces = Traces(sight.sampling)
        self.canary = canary.subject_of(sight.cluster)
        self._standing = Standing(_wanted(sight.roles))

    def look_at(self, seen: Seen) -> None:
        """Show how things are at every scrape."""
        readings = (*_of_nats(seen.broker), *_of_streams(self._standing), *_of_deliveries(seen.delivery))
        more = (Reading("ops_tails", "Tails that are open.", (), lambda: one(len(seen.tails))),)
        watched = _of_watches(seen.watches) if "watch" in self._sight.roles else ()
        self.metrics.add(Gauges((*readings, *more, *watched)))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Traces are recorded in between, and the last of them brought at the end."""
        self.traces.open(SERVICE, self._sight.version, platform.node())
        try:
            yield
        finally:
            await asyncio.to_thread(self.traces.close)

    def work(self, client: Client, publish: Publish) -> Iterator[Work]:
        """What runs beside the rest."""
        yield "watching the event loop", watch_the_loop(self.metrics.loop_lag.observe)
        yield "looking at the streams", self._standing.run(client)
        if self._sight.canary and "ingress" in self._sight.roles:
            source = CanarySource(publish, self.metrics, self._sight.cluster, self._sight.canary)
            yield "sending canaries", source.run()


def _wanted(roles: Collection[str]) -> Wanted:
    streams = dict.fromkeys(stream for role in sorted(roles) for stream in STREAMS.get(role, ()))
    return Wanted(tuple(streams), tuple(queue for role in sorted(roles) for queue in QUEUES.get(role, ())))


def _of_nats(broker: PreparedBroker) -> Iterator[Reading]:
    def reconnects() -> Iterable[Sample]:
        return one(broker.client.stats["reconnects"] if broker.client is not None else None)

    yield Reading("ops_nats_up", "1: NATS is connected.", (), lambda: one(float(broker.not_connected() is None)))
    yield Reading("ops_nats_reconnects", "Times that the connection was made anew.", (), reconnects, only_grows=True)


def _of_streams(standing: Standing) -> Iterator[Reading]:
    def stream(read: Callable[[Stream], float | None]) -> Callable[[], Iterable[Sample]]:
        return lambda: _known((name, read(found)) for name, found in standing.streams.items())

    def queue(read: Callable[[Queue, Stream | None], float | None]) -> Callable[[], Iterable[Sample]]:
        return lambda: _known((name, read(found, of)) for name, found, of in _queues(standing))

    streams, queues = ("stream",), ("queue",)
    yield Reading("ops_stream_messages", "Messages in a stream.", streams, stream(lambda one: one.messages))
    yield Reading("ops_stream_bytes", "Size of a stream.", streams, stream(lambda one: one.size))
    yield Reading("ops_stream_limit_bytes", "Its limit, where it has one.", streams, stream(lambda one: one.most_bytes))
    yield Reading("ops_queue_pending_messages", "Not given out yet.", queues, queue(lambda one, _: one.pending))
    yield Reading(
        "ops_queue_unsettled_messages", "Given out, and not settled.", queues, queue(lambda one, _: one.unsettled)
    )
    yield Reading("ops_queue_oldest_age_seconds", "Age of the first that is not settled.", queues, queue(_age))
    yield Reading(
        "ops_queue_retention_headroom_seconds", "Until the stream drops it undelivered.", queues, queue(_headroom)
    )


def _queues(standing: Standing) -> Iterator[tuple[str, Queue, Stream | None]]:
    """The durable consumers, and what is parked; each with its stream, where that is known."""
    streams = standing.streams
    for name, queue in standing.queues.items():
        yield name, queue, streams.get(_STREAM_OF[name])
    if (parked := streams.get(PARKED)) is not None:  # what is settled is removed from it, within a minute
        yield _PARKED, Queue(parked.messages, 0, parked.oldest), parked


def _age(queue: Queue, _: Stream | None) -> float | None:
    """Nothing waits: 0. It does, and since when is not known: nothing is told."""
    if queue.oldest is None:
        return None if queue.pending or queue.unsettled else 0.0
    return max(0.0, time.time() - queue.oldest)


def _headroom(queue: Queue, stream: Stream | None) -> float | None:
    age = _age(queue, stream)
    return None if age is None or stream is None or not stream.max_age else stream.max_age - age


def _of_deliveries(delivery: DeliveryService) -> Iterator[Reading]:
    lanes = delivery.lanes
    yield Reading(
        "ops_breakers", "Targets by the state of their breaker.", ("state",), lambda: _known(lanes.breakers().items())
    )
    yield Reading("ops_targets_behind", "Targets for which events wait.", (), lambda: one(lanes.behind))
    yield Reading("ops_attempts_in_flight", "Attempts that are under way.", (), lambda: one(lanes.in_flight))
    yield Reading("ops_deliveries_queued", "Deliveries that wait in memory.", (), lambda: one(lanes.queued))
    yield Reading(
        "ops_messages_in_work", "Messages that are not settled here.", (), lambda: one(len(delivery.settlement))
    )


def _of_watches(watches: Callable[[], Sequence[State]]) -> Iterator[Reading]:
    yield Reading(
        "ops_watch_live",
        "1: the watch of Kubernetes tells what happens as it happens.",
        ("watch",),
        lambda: _known((state.name, float(state.live)) for state in watches()),
    )
    yield Reading(
        "ops_watch_heard_timestamp_seconds",
        "When the API last said something to the watch.",
        ("watch",),
        lambda: _known((state.name, state.heard or None) for state in watches()),
    )


def _known(found: Iterable[tuple[str, float | None]]) -> Iterator[Sample]:
    """What is known of each name."""
    return (((name,), value) for name, value in found if value is not None)
