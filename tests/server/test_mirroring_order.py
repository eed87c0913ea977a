"""Changes that are told late, early, or not at all, and those that come while one of the sides is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from tests.kubernetes import EVENTHOOKS, ApiServer, Gate, answering, asking, running_api
from tests.server.buckets import until
from tests.server.mirrors import change, resource, settled, side, written
from tests.servers import NatsServer


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with running_api() as server:
        yield server


async def test_a_write_is_in_force_before_the_watch_tells_of_it_and_stays_so(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        api.hold_watches()
        change(api, subject="ops.b")
        await here.custom.mirroring.apply(change(api, subject="ops.c"))
        assert here.subject() == "ops.c"
        await here.custom.mirroring.apply(await here.objects.create("ns", resource("two")))
        assert here.subject("two") == "ops.a"
        api.delete(EVENTHOOKS, "ns", "one")
        await here.custom.mirroring.gone("ns.one")
        assert here.subject() is None
        before = await written(client)
        api.release_watches()
        api.create(EVENTHOOKS, resource("last"))
        assert await settled(client, api, lambda: here.until_in_force("ops.a", "last")) == before + 1
        assert here.subject() is None


async def test_a_deletion_that_is_told_late_spares_what_was_made_anew(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here, side(client, api, tmp_path) as there:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        await there.until_in_force("ops.a")
        api.delete(EVENTHOOKS, "ns", "one")
        api.create(EVENTHOOKS, resource(subject="ops.b"))
        await here.until_in_force("ops.b")
        before = await settled(client, api, lambda: there.until_in_force("ops.b"))
        await there.custom.mirroring.gone("ns.one")
        assert there.subject() == "ops.b"
        assert await settled(client, api, lambda: there.until_in_force("ops.b")) == before


async def test_what_another_process_knows_earlier_is_not_taken_back(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    """The one that is behind is told nothing by its watch, but sees the bucket."""
    async with side(client, api, tmp_path) as behind:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("gone"))
        await behind.until_in_force("ops.a")
        await behind.until_in_force("ops.a", "gone")
        api.hold_watches()
        changed = change(api, subject="ops.b")
        made = api.create(EVENTHOOKS, resource("two"))
        api.delete(EVENTHOOKS, "ns", "gone")
        async with side(client, api, tmp_path) as ahead:
            await ahead.custom.mirroring.apply(changed)
            await ahead.custom.mirroring.apply(made)
            await ahead.until_in_force("ops.b")
            await ahead.until_in_force(None, "gone")
            total = await settled(client, api, lambda: behind.until_in_force("ops.b"))
            assert (behind.subject(), behind.subject("two"), behind.subject("gone")) == ("ops.b", "ops.a", None)
            assert total == 5
        api.release_watches()
        assert await settled(client, api, lambda: behind.until_in_force("ops.b")) == 5


async def test_a_cluster_restored_from_a_backup_is_believed(client: Client, api: ApiServer, tmp_path: Path) -> None:
    for _ in range(50):
        api.advance()
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("later"))
        await here.until_in_force("ops.a")
        await here.until_in_force("ops.a", "later")
        uid = api.get(EVENTHOOKS, "ns", "one")["metadata"]["uid"]
        await api.close()
        restored = ApiServer(port=api.port)
        older = resource(subject="ops.before")
        restored.create(EVENTHOOKS, {**older, "metadata": {**older["metadata"], "uid": uid}})
        await restored.open()
        try:
            await restored.until_watching(EVENTHOOKS)
            restored.expire_watches()
            await here.until_in_force("ops.before")
            await here.until_in_force(None, "later")
        finally:
            await restored.close()


async def test_changes_while_jetstream_is_away_are_in_force_when_it_is_back(
    client: Client, api: ApiServer, tmp_path: Path, nats_server: NatsServer
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        api.create(EVENTHOOKS, resource("two"))
        await here.until_in_force("ops.a")
        await here.until_in_force("ops.a", "two")
        await nats_server.kill()
        await until(lambda: not client.is_connected)
        change(api, subject="ops.b")
        api.delete(EVENTHOOKS, "ns", "two")
        await here.custom.mirroring.apply(api.create(EVENTHOOKS, resource("three")))
        await nats_server.start()
        await here.until_in_force("ops.b")
        await here.until_in_force(None, "two")
        await here.until_in_force("ops.a", "three")


async def test_nothing_is_deleted_before_the_api_has_listed_everything(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
    gate = Gate()
    api.fail_next(gate, aim=asking("list", EVENTHOOKS))
    entering = side(client, api, tmp_path)
    opened = asyncio.create_task(entering.__aenter__())
    await gate.held.wait()
    assert not opened.done()
    assert await settled(client, api, gate.held.wait) == 1
    gate.opened.set()
    here = await opened
    assert await settled(client, api, lambda: here.until_in_force("ops.a")) == 1
    await entering.__aexit__(None, None, None)


async def test_while_the_api_cannot_be_asked_what_is_in_doubt_is_left(
    client: Client, api: ApiServer, tmp_path: Path
) -> None:
    async with side(client, api, tmp_path) as here:
        api.create(EVENTHOOKS, resource())
        await here.until_in_force("ops.a")
        api.fail_next(answering(500, "etcd is away"), times=1000, aim=asking("get", EVENTHOOKS))
        await here.custom.mirroring.gone("ns.one")
        assert here.subject() == "ops.a"
