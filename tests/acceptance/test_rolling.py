"""A rolling restart under load: no request is refused, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

from tests.acceptance.balancing import Balancer, Tally, balancer
from tests.acceptance.counting import delivery_ids, ids_in_stream, ids_received, make_hook
from tests.app import App, running_app
from tests.cluster import Cluster, running_cluster
from tests.receiver import Receiver
from tests.servers import NatsServer

RATE = 500.0  # events/s
LONG = 60.0  # seconds within which everything has to have arrived, on however slow a machine


@contextlib.asynccontextmanager
async def three_replicas(folder: Path, endpoint: str, replicas: int) -> AsyncIterator[tuple[Balancer, list[App]]]:
    settings = {"EVENT_ENDPOINT": endpoint, "EVENT_STREAM_REPLICAS": str(replicas), "SHUTDOWN_DELAY": "1.5"}
    async with contextlib.AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(running_app(folder / name, **settings)) for name in "abc"]
        yield await stack.enter_async_context(balancer(*apps)), apps


async def rolled(service: Balancer, count: int, *meanwhile: Awaitable[object]) -> Tally:
    """Post so many while all replicas are replaced."""
    posting = asyncio.create_task(service.post_all(count, RATE))
    await asyncio.gather(posting, service.roll(), *meanwhile)
    tally = posting.result()
    assert tally.refused == []
    assert len(tally.acknowledged) == count
    return tally


async def counted(tally: Tally, server: NatsServer, receiver: Receiver) -> None:
    """Whether all is in the stream once, and reached the receiver; a repeat carries the same id."""
    acknowledged = set(tally.acknowledged)
    assert acknowledged <= await ids_in_stream(server)
    await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), LONG)
    assert all(len(ids) == 1 for ids in delivery_ids(receiver).values())


async def test_three_replicas_are_replaced_one_after_the_other(
    provisioned: NatsServer, tmp_path: Path, receiver: Receiver
) -> None:
    async with three_replicas(tmp_path, provisioned.url, 1) as (service, apps):
        await make_hook(apps[0], receiver)
        tally = await rolled(service, 7000)
        await counted(tally, provisioned, receiver)
        assert tally.busy == 0
        assert not any("ERROR" in app.log for app in apps)


async def leader_killed(cluster: Cluster, seconds: float) -> None:
    """Kill who leads the stream, and start it again."""
    await asyncio.sleep(seconds)
    leader = await cluster.leader("ops")
    await leader.kill()
    await asyncio.sleep(seconds)
    await leader.start()


async def test_three_replicas_are_replaced_while_the_leader_of_three_servers_is_killed(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with running_cluster(tmp_path / "nats") as cluster:
        await cluster.provision()
        async with three_replicas(tmp_path, cluster.url, 3) as (service, apps):
            await make_hook(apps[0], receiver)
            tally = await rolled(service, 10_000, leader_killed(cluster, 5.0))
            await cluster.caught_up("ops")
            await counted(tally, cluster.nodes[0], receiver)
        print(f"{tally.busy} answers of 503 with Retry-After")
