"""When the status of a custom resource comes onto the stream: when it has changed, once, through restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from nats.aio.client import Client

from app.sources.kubernetes import journal as room
from app.sources.kubernetes import status_follower
from app.sources.kubernetes.change import Change, Object
from tests.server.following import Followed, disks_on, followed, forget_ids, host, on_the_stream


async def start(process: Followed, objects: Sequence[Object], version: int, *, known: bool = False) -> None:
    """What a watch tells first."""
    await process.hosts.since()
    await listed(process, objects, version, known=known)


async def listed(process: Followed, objects: Sequence[Object], version: int, *, known: bool = False) -> None:
    await process.hosts.begin(known=known)
    await process.hosts.listed(objects, str(version))
    await process.hosts.synced(str(version))


async def modified(process: Followed, *resources: Object) -> None:
    for resource in resources:
        await process.hosts.changed(Change("MODIFIED", resource))


async def test_the_status_that_is_there_at_a_first_start_is_no_change(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [host(1, 11, "31%")], 20)
        await modified(process, host(1, 21, "32%"))
    assert await disks_on(client) == ["32%"]


async def test_only_another_status_is_published(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [host(1, 11, "31%")], 20)
        await modified(process, host(1, 21, "31%", labels={"a": "b"}), {**host(1, 22, "31%"), "spec": {"port": 2222}})
        await modified(process, host(1, 23, "40%"), host(1, 24, "40%", labels={}), host(1, 25, "41%"))
    assert await disks_on(client) == ["40%", "41%"]


async def test_it_is_on_the_stream_as_the_contract_says_and_without_the_password(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [], 10)
        await process.hosts.changed(Change("ADDED", host(1, 11, "31%")))
    (event,) = await on_the_stream(client)
    assert event["subject"] == "ops.clusters.prod.namespaces.ops-system.hosts.node-1.status"
    assert event["type"] == "Host"
    assert event["data"] == {
        "cluster": "prod",
        "address": "10.0.0.11",
        "port": 22,
        "status": {"diskUsagePercent": "31%", "heartStatus": "Successed"},
    }


async def test_a_new_resource_is_told_of_once_it_has_a_status(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [], 10)
        await process.hosts.changed(Change("ADDED", host(1, 11)))
        await modified(process, host(1, 12, "31%"))
        await process.hosts.changed(Change("DELETED", host(1, 13, "31%")))
        await process.hosts.changed(Change("ADDED", host(2, 14, "50%")))
    assert await disks_on(client) == ["31%", "50%"]


async def test_two_replicas_publish_a_change_once(client: Client) -> None:
    async with followed(client) as one, followed(client) as two:
        for process in (one, two):
            await start(process, [host(1, 11, "0%")], 20)
        for version in range(21, 41):
            await asyncio.gather(*(modified(process, host(1, version, f"{version}%")) for process in (one, two)))
    assert await disks_on(client) == [f"{version}%" for version in range(21, 41)]


async def test_a_restart_knows_the_status_of_before_and_misses_no_change(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [host(1, 11, "31%"), host(2, 12, "1%")], 20)
        await modified(before, host(1, 21, "32%"))
        await before.stop()
    async with followed(client) as after:
        assert await after.hosts.since() == "21"
        await listed(after, [host(1, 21, "32%"), host(2, 12, "1%")], 21, known=True)
        await modified(after, host(1, 22, "32%", labels={}), host(1, 23, "33%"), host(1, 24, "34%"), host(2, 25, "1%"))
    assert await disks_on(client) == ["32%", "33%", "34%"]


async def test_after_a_gap_that_the_server_has_forgotten_each_other_status_is_told_once(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [host(1, 11, "31%"), host(2, 12, "1%")], 20)
        await modified(before, host(1, 21, "32%"), host(2, 22, "2%"))
        await before.stop()
    await forget_ids(client)
    # The first was touched only, the second has another status, the third is new, the fourth has none.
    gap = [host(1, 31, "32%", labels={}), host(2, 32, "3%"), host(3, 33, "9%"), host(4, 34)]
    for _ in range(2):
        async with followed(client) as after:
            await start(after, gap, 40)
            await after.stop()
    assert await disks_on(client) == ["32%", "2%", "3%", "9%"]


async def test_a_replica_that_was_away_does_not_repeat_what_the_other_published(client: Client) -> None:
    async with followed(client) as there, followed(client) as away:
        for process in (there, away):
            await start(process, [host(1, 11, "31%")], 20)
        await modified(there, host(1, 21, "32%"))
        await there.stop()
        await modified(there, host(1, 22, "33%"), host(1, 23, "33%", labels={}))
        await there.published()  # and is killed before it can write its checkpoint
        await forget_ids(client)
        await listed(away, [host(1, 23, "33%", labels={})], 23)
        await modified(away, host(1, 24, "34%"))
    assert await disks_on(client) == ["32%", "33%", "34%"]


async def test_what_a_slow_list_shows_is_not_repeated_when_another_has_told_it_and_what_came_after(
    client: Client,
) -> None:
    async with followed(client) as quick, followed(client) as slow:
        await start(quick, [host(1, 11, "31%"), host(2, 12, "1%"), host(3, 13, "0%")], 20)
        await modified(quick, host(1, 21, "32%"))
        await quick.stop()  # its checkpoint is written
        await modified(quick, host(1, 22, "33%"))
        await quick.published()
        await slow.hosts.since()
        await slow.hosts.begin(known=False)
        shown = [host(1, 24, "33%", labels={}), host(2, 25, "2%", labels={}), host(3, 26, "5%")]
        await modified(quick, host(2, 23, "2%"), host(1, 27, "34%"), host(2, 28, "3%"))
        await quick.published()
        await slow.hosts.listed(shown, "26")
        await slow.hosts.synced("26")
    assert await disks_on(client) == ["32%", "33%", "2%", "34%", "3%", "5%"]


async def test_a_status_that_has_returned_while_nobody_watched_is_told_again(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [host(1, 11, "31%")], 20)
        await modified(before, host(1, 21, "32%"), host(1, 22, "33%"))
        await before.stop()
    async with followed(client) as after:
        await start(after, [host(1, 24, "32%")], 30)
    assert await disks_on(client) == ["32%", "33%", "32%"]


async def test_a_replica_that_has_slept_does_not_repeat_what_the_other_published_meanwhile(client: Client) -> None:
    async with followed(client) as awake, followed(client) as asleep:
        for process in (awake, asleep):
            await start(process, [host(1, 11, "31%")], 20)
        await modified(awake, host(1, 21, "32%"))
        await awake.stop()
        await forget_ids(client)
        asleep.journals[1]._looked = float("-inf")
        await modified(asleep, host(1, 21, "32%"), host(1, 22, "33%"))
    assert await disks_on(client) == ["32%", "33%"]


async def test_what_is_deleted_is_forgotten(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [host(1, 11, "31%")], 20)
        await process.hosts.changed(Change("DELETED", host(1, 21, "31%")))
        assert process.hosts._digests == {}


async def test_what_a_killed_process_published_behind_its_checkpoint_is_not_published_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with followed(client) as killed:
        await start(killed, [host(1, 11, "31%")], 20)
        await killed.stop()
        await modified(killed, host(1, 21, "32%"))
        await killed.published()
    await forget_ids(client)
    monkeypatch.setattr(room, "_DEDUP", -60.0)
    async with followed(client) as after:
        await start(after, [host(1, 11, "31%")], 20, known=True)
        await modified(after, host(1, 21, "32%"), host(1, 22, "33%"))
    assert await disks_on(client) == ["32%", "33%"]


async def test_a_status_that_is_too_large_is_cut_and_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_follower, "FITS", 900_000)
    large = host(1, 11, "31%")
    large["status"]["kernelVersion"] = "x" * 1_200_000
    async with followed(client) as process:
        await start(process, [], 10)
        await modified(process, large)
    (event,) = await on_the_stream(client)
    assert "characters left out" in event["data"]["status"]["kernelVersion"]
    assert event["data"]["status"]["diskUsagePercent"] == "31%"
