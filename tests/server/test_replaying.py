"""Who works on a replay, on a real server: every copy is counted, none is lost and none comes twice, whoever dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from app.errors import NotFoundError
from app.hooks.hook import parse
from app.hooks.replays.pace import Pace
from app.hooks.replays.replay import Replay
from app.hooks.replays.replaying import STALE
from tests.app import hook
from tests.server.buckets import until
from tests.server.replaying import (
    Process,
    keep,
    messages,
    over,
    parked,
    process,
    publish,
    reached,
    sequences,
    unhurried,
)
from tests.servers import NatsServer

ROOT = Path(__file__).parents[2]
PARKED = "ops-parked.hooks.default.one"


async def test_a_replay_survives_the_death_of_its_process(
    client: Client, here: Process, nats_server: NatsServer
) -> None:
    await keep(here)
    await publish(client, 2000)
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 500})
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.server.replaying", nats_server.url, cwd=ROOT
    )
    try:
        await parked(client, 600)
    finally:
        program.kill()
        await program.wait()
    entry = here.replays.entry(replay.key)
    assert entry is not None
    assert entry.value.owner
    assert not entry.value.replay.is_over
    assert (await client.jetstream().stream_info("ops-parked")).state.messages < 2000
    clock = Clock()
    async with here.working(clock, unhurried):
        await clock.passes(lambda: owner(here, replay) != entry.value.owner)
        assert clock.now >= STALE, "as long as it may live, it keeps the replay"
        done = await over(here, replay)
    assert (done.read, done.matched, done.copied) == (2000, 2000, 2000)
    assert sorted(sequences(await messages(client, "ops-parked", PARKED))) == list(range(1, 2001))


@dataclass
class Clock:
    """A process's clock that is put forward."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    async def passes(self, reached: Callable[[], bool], seconds: float = 10) -> None:
        """Time, until something is so; a second in each turn of the loop."""
        async with asyncio.timeout(seconds):
            while not reached():
                self.now += 1
                await asyncio.sleep(0.02)


async def test_a_process_that_ends_hands_its_replay_over_at_once(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 300)
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 100})
    async with here.working():
        await parked(client, 50)
    await until(lambda: owner(here, replay) == "")
    assert 50 <= here.replays.get("default", "one", replay.id).copied < 300
    async with here.working(Clock(), unhurried):
        done = await over(here, replay)
    assert done.copied == 300
    assert sorted(sequences(await messages(client, "ops-parked", PARKED))) == list(range(1, 301))


async def test_of_two_processes_one_does_the_work(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 400)
    published: list[str] = []
    async with process(client) as there:
        for one in (here, there):
            one.publisher = counting(one.publisher, published)
        replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 1000})
        async with here.working(), there.working():
            await over(here, replay)
    assert len(published) == len(set(published)) == 400
    assert sorted(sequences(await messages(client, "ops-parked", PARKED))) == list(range(1, 401))


def owner(here: Process, replay: Replay) -> str | None:
    entry = here.replays.entry(replay.key)
    return None if entry is None else entry.value.owner


def counting(publish: Any, published: list[str]) -> Any:
    async def count(subject: str, payload: bytes, headers: dict[str, str]) -> Any:
        published.append(headers["Nats-Msg-Id"])
        return await publish(subject, payload, headers)

    return count


async def test_a_replay_keeps_to_its_rate(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 100)
    turns = Turns()
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 20})
    async with here.working(pace=turns.pace):
        await over(here, replay)
    assert turns.now == pytest.approx(100 / 20, abs=2 / 20 + 0.01)
    assert max(turns.slept) <= 0.1 + 1e-9, "it goes in small steps, between which it can be stopped"


@dataclass
class Turns:
    """A clock that only sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def pace(self, rate: int) -> Pace:
        return Pace(rate, lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


async def test_a_replay_is_stopped_and_what_it_copied_is_not_to_be_delivered(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 1000)
    async with process(client) as there:
        replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 100})
        assert not here.replays.is_stopped(replay.id)
        async with here.working():
            await parked(client, 50)
            stopped = await there.replays.stop("default", "one", replay.id)
            assert stopped.state == "stopped"
            assert stopped.ended
            progressed = await reached(here, replay, lambda found: found.is_over and found.copied >= 50)
            assert progressed.state == "stopped"
            assert progressed.ended == stopped.ended
        assert here.replays.is_stopped(replay.id)
        assert there.replays.is_stopped(replay.id)
    copied = len(await messages(client, "ops-parked", PARKED))
    assert copied < 1000
    assert here.replays.get("default", "one", replay.id).copied == copied
    assert await here.replays.stop("default", "one", replay.id) == here.replays.get("default", "one", replay.id)


async def test_a_replay_that_is_done_stays_done(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 1)
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}})
    async with here.working():
        await over(here, replay)
    assert (await here.replays.stop("default", "one", replay.id)).state == "done"
    assert not here.replays.is_stopped(replay.id)


async def test_a_replay_follows_a_change_of_its_hook(client: Client, here: Process) -> None:
    await keep(here, "ops.a")
    for _ in range(100):
        await publish(client, 1, "ops.a", text=str(_))
        await publish(client, 1, "ops.b", text=str(_))
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 50})
    async with here.working():
        await parked(client, 20)
        changed = parse(hook("one", "http://127.0.0.1:1/x", "ops.b"), "default")
        await here.registry.replace(changed, int(here.registry.get("default", "one").metadata.resource_version))
        await over(here, replay)
    copied = sequences(await messages(client, "ops-parked", PARKED))
    odd = [sequence for sequence in copied if sequence % 2]
    even = [sequence for sequence in copied if not sequence % 2]
    assert odd == list(range(1, odd[-1] + 1, 2))
    assert even == list(range(odd[-1] + 1, 201, 2))


async def test_a_replay_whose_hook_is_deleted_fails_and_says_so(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 500)
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "rate": 50})
    async with here.working():
        await parked(client, 20)
        await here.registry.delete("default", "one")
        failed = await over(here, replay)
    assert (failed.state, failed.error) == ("failed", "the hook was deleted")
    with pytest.raises(NotFoundError):
        here.replays.list("default", "one")


async def test_a_replay_that_failed_by_a_fault_of_ours_says_so_and_is_not_tried_for_ever(
    client: Client, here: Process, caplog: pytest.LogCaptureFixture
) -> None:
    await keep(here)
    await publish(client, 1)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    here.publisher = broken  # type: ignore[assignment]  # it is called, no more
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}})
    async with here.working():
        failed = await over(here, replay)
    assert (failed.state, failed.error) == ("failed", "a fault of ours: it stands in the log")
    assert "ZeroDivisionError" in caplog.text
