"""What the app makes of a server that differs from the code: it waits, it goes on, it shows it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import nats
import pytest
from nats.aio.client import Client

from app.errors import ConfigurationError
from app.jetstream.ending import end
from app.jetstream.streams import Provisioning
from streams.live import provision
from streams.subjects import OPS
from tests.server.buckets import until
from tests.server.test_streams import update, update_matcher
from tests.servers import NatsServer


@dataclass
class Looking:
    """A process that looks ten times a second, and what it shows."""

    client: Client
    drift: Mapping[str, int] = field(default_factory=dict)

    def provisioning(self, *, applies: bool = False) -> Provisioning:
        return Provisioning(1, applies=applies, show=self._show, every=0.1)

    def _show(self, drift: Mapping[str, int]) -> None:
        self.drift = drift


@pytest.fixture
async def looking(nats_server: NatsServer) -> AsyncIterator[Looking]:
    client = await nats.connect(nats_server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    yield Looking(client)
    await client.close()


@contextlib.asynccontextmanager
async def watched(looking: Looking) -> AsyncIterator[Provisioning]:
    """A process on a server that is as it should be, looking again and again."""
    await provision(looking.client.jetstream(), 1)
    checked = looking.provisioning()
    await checked(looking.client)
    assert checked.not_ready() is None
    watching = asyncio.create_task(checked.watch(looking.client))
    try:
        yield checked
    finally:
        await end([watching])


async def test_it_waits_for_streams_that_somebody_else_makes(looking: Looking) -> None:
    checked = looking.provisioning()
    waiting = asyncio.create_task(checked(looking.client))
    await until(lambda: "stream ops is missing" in (checked.not_ready() or ""))
    assert looking.drift[OPS] == 3
    assert not waiting.done()
    await provision(looking.client.jetstream(), 1)
    await asyncio.wait_for(waiting, 20)
    assert checked.not_ready() is None
    assert set(looking.drift.values()) == {0}


async def test_it_does_not_begin_on_a_stream_that_it_cannot_live_with(looking: Looking) -> None:
    js = looking.client.jetstream()
    await provision(js, 1)
    await update(js, OPS, duplicate_window=1)
    checked = looking.provisioning()
    waiting = asyncio.create_task(checked(looking.client))
    await until(lambda: "duplicate_window is 1.0 instead of 120.0" in (checked.not_ready() or ""))
    assert not waiting.done()
    await update(js, OPS, duplicate_window=120)
    await asyncio.wait_for(waiting, 20)


async def test_it_begins_on_a_stream_that_only_differs_and_shows_how_much(
    looking: Looking, caplog: pytest.LogCaptureFixture
) -> None:
    js = looking.client.jetstream()
    await provision(js, 1)
    await update(js, OPS, description="mine", max_age=86_400 * 2)
    checked = looking.provisioning()
    await checked(looking.client)
    assert checked.not_ready() is None
    assert looking.drift[OPS] == 2
    assert "stream ops (description)" in caplog.text


async def test_what_changes_later_is_seen_and_so_is_its_mending(looking: Looking) -> None:
    js = looking.client.jetstream()
    async with watched(looking) as checked:
        await update_matcher(js, max_deliver=3)
        await until(lambda: "consumer ops/hooks max_deliver is 3 instead of unlimited" in (checked.not_ready() or ""))
        assert looking.drift[OPS] == 1
        assert await provision(js, 1) == ()
        await until(lambda: checked.not_ready() is None)
        assert looking.drift[OPS] == 0


async def test_a_stream_that_is_deleted_makes_it_unready(looking: Looking) -> None:
    async with watched(looking) as checked:
        await looking.client.jetstream().delete_stream("KV_ops-hooks")
        await until(lambda: "bucket ops-hooks is missing" in (checked.not_ready() or ""))


async def test_a_server_that_is_away_for_a_while_changes_nothing_that_was_found(
    looking: Looking, nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(looking) as checked:
        await nats_server.kill()
        await until(lambda: "cannot see whether NATS" in caplog.text, 30)
        assert checked.not_ready() is None
        await nats_server.start()
        await until(lambda: looking.client.is_connected, 30)
        await update(looking.client.jetstream(), OPS, description="mine")
        await until(lambda: looking.drift[OPS] == 1, 30)


async def test_an_embedded_server_is_mended_as_far_as_nothing_is_lost(looking: Looking) -> None:
    js = looking.client.jetstream()
    await provision(js, 1)
    await update(js, OPS, duplicate_window=1, subjects=["ops.>", "more.>"])
    checked = looking.provisioning(applies=True)
    await checked(looking.client)
    assert (await js.stream_info(OPS)).config.duplicate_window == 120
    assert looking.drift[OPS] == 1, "the other subject would be lost"


async def test_an_embedded_server_on_which_another_stream_has_the_subjects_ends_the_start(looking: Looking) -> None:
    await looking.client.jetstream().add_stream(name="theirs", subjects=["ops.clusters.>"])
    with pytest.raises(ConfigurationError, match=r"stream theirs keeps ops\.clusters\.> already"):
        await looking.provisioning(applies=True)(looking.client)
