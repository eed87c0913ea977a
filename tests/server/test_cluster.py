"""The rig of `tests/cluster.py`: three servers are one."""

from __future__ import annotations

from pathlib import Path

from tests.cluster import running_cluster


async def test_a_leader_that_is_killed_is_replaced_and_a_node_that_comes_back_catches_up(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster:
        await cluster.provision(3)
        leader = await cluster.leader("ops")
        await leader.kill()
        assert await cluster.leader("ops") in cluster.other_than(leader)
        async with cluster.client() as client:
            await client.jetstream(timeout=10).publish("ops.test", b"while one is away")
        await leader.start()
        await cluster.healthy()
        await cluster.caught_up("ops")
