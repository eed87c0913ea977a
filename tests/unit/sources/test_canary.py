"""The canary: when it is sent, under which id, and what is seen of its arrival."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from app.delivery.channels.canary import CANARY, Canary
from app.delivery.delivery import Received, delivery_of
from app.delivery.outcome import Delivered
from app.errors import UnavailableError
from app.events import canary, cloudevent
from app.jetstream.publish import Stored
from app.sources.canary import LONGEST, CanarySource
from app.telemetry.metrics import Metrics
from streams.ops import DUPLICATE_WINDOW_SECONDS


class Stream:
    """Keeps one message of each id, as JetStream does; away while told so."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, bytes]] = {}
        self.away = False

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        if self.away:
            raise UnavailableError("away")
        identity = headers["Nats-Msg-Id"]
        duplicate = identity in self.kept
        self.kept.setdefault(identity, (subject, payload))
        return Stored("ops", len(self.kept), duplicate)


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def value(metrics: Metrics, name: str) -> float:
    (found,) = [line for line in metrics.exposition().decode().splitlines() if line.startswith(f"{name} ")]
    return float(found.split()[1])


async def test_however_many_processes_send_there_is_one_at_a_time() -> None:
    stream, clock, metrics = Stream(), Clock(600.0), [Metrics(), Metrics()]
    sources = [CanarySource(stream, each, "prod", 60, clock) for each in metrics]
    for clock.now in (600.0, 602.5, 660.1, 661.0):
        for source in sources:
            await source.send()
    assert len(stream.kept) == 2
    assert sum(value(each, "ops_canary_sent_total") for each in metrics) == 2
    for subject, payload in stream.kept.values():
        event = cloudevent.read(payload)
        assert (subject, event.subject, event.type) == (canary.subject_of("prod"), "ops.canary.prod", "Canary")
        assert (event.cluster, event.source) == ("prod", cloudevent.SOURCE)
        assert json.loads(payload)["data"]["type"] == event.type


async def test_a_canary_of_another_cluster_is_another_one() -> None:
    stream, clock = Stream(), Clock(600.0)
    for cluster in ("a", "b.c"):
        await CanarySource(stream, Metrics(), cluster, 60, clock).send()
    assert {subject for subject, _ in stream.kept.values()} == {"ops.canary.a", "ops.canary.b_c"}
    assert all(canary.is_one(subject) for subject, _ in stream.kept.values())
    assert not canary.is_one("ops.canary")


@pytest.mark.parametrize("now", [600.0, 601.0, 659.9])
def test_processes_send_at_the_same_times_by_the_clock(now: float) -> None:
    source = CanarySource(Stream(), Metrics(), "prod", 60, Clock(now))
    for _ in range(100):
        assert 660.0 <= now + source.pause() <= 663.0


def test_no_interval_is_longer_than_an_id_is_known() -> None:
    assert LONGEST * 1.05 < DUPLICATE_WINDOW_SECONDS


async def test_one_that_cannot_be_sent_is_missing_and_nothing_else_happens() -> None:
    stream, metrics = Stream(), Metrics()
    stream.away = True
    await CanarySource(stream, metrics, "prod", 60).send()
    assert value(metrics, "ops_canary_sent_total") == 0


async def test_an_arrival_is_seen_with_how_long_it_took() -> None:
    stream, metrics = Stream(), Metrics()
    await CanarySource(stream, metrics, "prod", 60).send()
    ((_, payload),) = stream.kept.values()
    event = cloudevent.read(payload)
    assert event.time is not None
    made = event.time.timestamp()
    for late in (0.2, -5.0):  # the other machine's clock is ahead
        channel = Canary(metrics, Clock(made + late))
        assert await channel.send(delivery_of(Received(event, payload), CANARY)) == Delivered()
    assert value(metrics, "ops_canary_seconds_count") == 2
    assert value(metrics, "ops_canary_seconds_sum") == pytest.approx(0.2, abs=0.001)
    assert value(metrics, "ops_canary_last_success_timestamp_seconds") == pytest.approx(made - 5.0, abs=0.001)
