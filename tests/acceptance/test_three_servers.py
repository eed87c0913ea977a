"""Three servers, one of which dies under load: what was acknowledged is kept and delivered; who posts waits or is told.

Every leader dies in one of these stories: of streams, of consumers, of buckets, and of the cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.asking import read_until
from tests.acceptance.counting import delivery_ids, ids_in_stream, ids_received, make_hook, post_all
from tests.acceptance.test_hooks import create
from tests.app import App, hook, running_app
from tests.cluster import Cluster, running_cluster
from tests.receiver import Receiver, running_receiver
from tests.tailing import following, sequences

LONG = 60.0  # seconds within which everything has to have arrived, on however slow a machine


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path / "nats") as cluster:
        await cluster.provision(3)
        yield cluster


@pytest.fixture
async def app(cluster: Cluster, tmp_path: Path) -> AsyncIterator[App]:
    async with running_app(tmp_path / "app", EVENT_ENDPOINT=cluster.url, EVENT_STREAM_REPLICAS="3") as app:
        yield app


async def all_arrived(cluster: Cluster, receiver: Receiver, acknowledged: set[str]) -> None:
    """What was acknowledged is kept once, and came; what came twice came under one `webhook-id`."""
    assert acknowledged <= await ids_in_stream(cluster)
    await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), LONG)
    assert not {event: ids for event, ids in delivery_ids(receiver).items() if len(ids) > 1}


async def test_the_leader_of_the_stream_is_killed_under_load(cluster: Cluster, app: App, receiver: Receiver) -> None:
    await make_hook(app, receiver)
    leader = await cluster.leader("ops")

    async def kill_and_start() -> None:
        await asyncio.sleep(2)
        await leader.kill()
        await cluster.leader("ops")
        await asyncio.sleep(1)
        await leader.start()

    posted, _ = await asyncio.gather(post_all(app, 5000, 500, until_acknowledged=True), kill_and_start())
    assert len(posted) == 5000
    await all_arrived(cluster, receiver, set(posted))
    await cluster.healthy()
    await cluster.caught_up("ops")
    await cluster.caught_up("ops", "hooks")


async def test_each_server_is_killed_and_started_in_turn(
    cluster: Cluster, app: App, receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    async with running_receiver() as sleeper, following(http, app.url, "ops.>") as tail:
        await make_hook(app, receiver)
        await create(http, app, hook("sleeps", sleeper.url, options={"format": "cloudevents"}))
        await sleeper.close()
        seen = asyncio.create_task(tail.events_until("ops.end"))
        acknowledged = await post_while(app, kill_each(cluster))
        await all_arrived(cluster, receiver, acknowledged)
        await sleeper.open()  # what is parked is drained by a consumer of its own
        await all_arrived(cluster, sleeper, acknowledged)
        async with cluster.client() as client:
            await client.jetstream().publish("ops.end", b"{}")
        items = await seen
        assert sequences(items) == sorted(set(sequences(items)))
        assert {item["event"]["id"] for item in items} == acknowledged
        await create(http, app, hook("last", receiver.url))  # the registry goes on following its bucket
        await read_until(http, app, "last/stats", lambda stats: stats["delivered"] >= 0)


async def kill_each(cluster: Cluster) -> None:
    for node in cluster.nodes:
        await node.kill()
        await cluster.leader("ops")
        await node.start()
        await cluster.healthy()


async def post_while(app: App, disturbance: Coroutine[None, None, None]) -> set[str]:
    """Post 100 a second until the disturbance is over; the ids, each of which was acknowledged."""
    disturbing, found = asyncio.create_task(disturbance), set[str]()
    while not disturbing.done():
        found |= set(await post_all(app, 100, 100, until_acknowledged=True, first=len(found)))
    await disturbing
    return found
