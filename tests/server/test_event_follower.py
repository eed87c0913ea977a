"""Which events of Kubernetes come onto the stream: each once, news only, and none that fell into a gap is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from nats.aio.client import Client

from app.sources.kubernetes import journal as room
from app.sources.kubernetes.change import Change, Object
from app.sources.kubernetes.events import event_id
from tests.server.following import CLUSTER, NOW, Followed, followed, forget_ids, messages_on, observed, on_the_stream


def says(number: int, version: int) -> str:
    return f"Back-off of {number} at version {version}"


async def start(process: Followed, objects: Sequence[Object], version: int, *, known: bool = False) -> None:
    """What a watch tells first."""
    await process.events.since()
    await process.events.begin(known=known)
    await process.events.listed(objects, str(version))
    await process.events.synced(str(version))


async def test_a_first_start_publishes_what_is_two_minutes_old_and_no_history(client: Client) -> None:
    async with followed(client) as process:
        await start(
            process, [observed(1, 11, 30), observed(2, 12, 119), observed(3, 13, 121), observed(4, 14, 9000)], 20
        )
    assert sorted(await messages_on(client)) == [says(1, 11), says(2, 12)]


async def test_an_event_is_on_the_stream_as_the_contract_says(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [], 10)
        await process.events.changed(Change("ADDED", observed(1, 11, 0)))
    (event,) = await on_the_stream(client)
    uid = observed(1, 11, 0)["metadata"]["uid"]
    assert event["id"] == event_id(CLUSTER, uid, "11")
    assert (event["type"], event["cluster"]) == ("Kube", CLUSTER)
    assert event["subject"] == "ops.clusters.prod.namespaces.default.pods.web-1.events"
    assert event["time"] == event["data"]["eventTime"] == "2026-11-23T05:00:00Z"
    assert event["data"]["from"] == "kubelet"
    assert "deleted" not in event


async def test_each_update_is_published_in_order_and_a_deletion_says_so(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [], 10)
        for version in range(11, 16):
            await process.events.changed(Change("MODIFIED", observed(1, version, 0)))
        await process.events.changed(Change("DELETED", observed(1, 16, 0)))
    assert await messages_on(client) == [says(1, version) for version in range(11, 17)]
    assert [event.get("deleted") for event in await on_the_stream(client)] == [None] * 5 + [True]


async def test_two_replicas_that_watch_at_once_put_each_event_there_once(client: Client) -> None:
    async with followed(client) as one, followed(client) as two:
        for process in (one, two):
            await start(process, [observed(1, 11, 10)], 20)
        for version in range(21, 41):
            change = Change("MODIFIED", observed(version % 3, version, 0))
            await asyncio.gather(one.events.changed(change), two.events.changed(change))
    said = await messages_on(client)
    assert len(said) == len(set(said)) == 21


async def test_a_list_that_begins_anew_publishes_nothing_twice(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [observed(1, 11, 10)], 20)
        await process.published()
        await forget_ids(client)
        await process.events.begin(known=False)
        await process.events.listed([observed(1, 11, 10)], "20")
        await process.events.begin(known=False)
        await process.events.listed([observed(1, 11, 10), observed(2, 21, 10)], "21")
        await process.events.synced("21")
    assert await messages_on(client) == [says(1, 11), says(2, 21)]


async def test_a_restart_goes_on_from_the_version_that_was_reached(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [], 10)
        await before.events.changed(Change("ADDED", observed(1, 11, 0)))
        await before.events.reached("15")
        await before.stop()
    async with followed(client, NOW + 3600) as after:
        assert await after.events.since() == "15"
        await after.events.begin(known=True)
        await after.events.listed([observed(1, 11, 0)], "15")
        await after.events.synced("15")
        # An hour old by now, but it happened while nobody watched.
        await after.events.changed(Change("ADDED", observed(2, 16, 3000, NOW + 3600)))
    assert await messages_on(client) == [says(1, 11), says(2, 16)]


async def test_what_fell_into_a_gap_that_the_server_has_forgotten_is_published_once_and_no_history(
    client: Client,
) -> None:
    async with followed(client) as before:
        await start(before, [], 10)
        await before.events.changed(Change("ADDED", observed(1, 11, 0)))
        await before.stop()
    await forget_ids(client)
    history = observed(3, 13, 9000, NOW)  # touched in the gap, and observed long before it
    gap = [observed(1, 11, 0), observed(2, 12, -1800), history, observed(4, 14, -600)]
    for _ in range(2):
        async with followed(client, NOW + 3600) as after:
            await start(after, gap, 20)
            await after.stop()
    assert sorted(await messages_on(client)) == [says(1, 11), says(2, 12), says(4, 14)]


async def test_what_a_killed_process_published_behind_its_checkpoint_is_not_published_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with followed(client) as killed:
        await start(killed, [], 10)
        await killed.stop()
        await killed.events.changed(Change("ADDED", observed(1, 11, 0)))
        await killed.published()
    await forget_ids(client)
    monkeypatch.setattr(room, "_DEDUP", -60.0)
    async with followed(client) as next_one:
        await start(next_one, [], 10, known=True)
        await next_one.events.changed(Change("ADDED", observed(1, 11, 0)))
        await next_one.events.changed(Change("ADDED", observed(2, 12, 0)))
    assert await messages_on(client) == [says(1, 11), says(2, 12)]


async def test_a_replica_that_has_slept_does_not_repeat_what_the_other_published_meanwhile(client: Client) -> None:
    async with followed(client) as awake, followed(client) as asleep:
        await start(awake, [], 10)
        await start(asleep, [], 10)
        await awake.events.changed(Change("ADDED", observed(1, 11, 0)))
        await awake.stop()
        await forget_ids(client)
        asleep.journals[0]._looked = float("-inf")
        await asleep.events.changed(Change("ADDED", observed(1, 11, 0)))
        await asleep.events.changed(Change("ADDED", observed(2, 12, 0)))
    assert await messages_on(client) == [says(1, 11), says(2, 12)]


async def test_a_deletion_that_nobody_watched_is_told_once_by_all(client: Client) -> None:
    async with followed(client) as one, followed(client) as two:
        for process in (one, two):
            await start(process, [observed(1, 11, 10), observed(2, 12, 10)], 20)
        await one.events.changed(Change("DELETED", observed(2, 21, 10)))
        await two.events.begin(known=False)
        await two.events.listed([observed(1, 11, 10)], "22")
        await two.events.synced("22")
    deleted = [event for event in await on_the_stream(client) if event.get("deleted")]
    assert [event["data"]["message"] for event in deleted] in ([says(2, 21)], [says(2, 12)])


async def test_a_deletion_that_only_a_list_shows_is_told(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [observed(1, 11, 10), observed(2, 12, 10)], 20)
        await process.published()
        await process.events.begin(known=False)
        await process.events.listed([observed(1, 11, 10)], "22")
        await process.events.synced("22")
    (deleted,) = [event for event in await on_the_stream(client) if event.get("deleted")]
    assert deleted["id"] == event_id(CLUSTER, observed(2, 12, 10)["metadata"]["uid"], "21", deleted=True)


async def test_a_cluster_in_which_nothing_had_happened_yet_loses_nothing_in_a_gap(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [], 10)
        await before.stop()
    async with followed(client, NOW + 3600) as after:
        await start(after, [observed(1, 11, -600)], 20)
    assert await messages_on(client) == [says(1, 11)]


async def test_a_process_that_ends_within_a_list_leaves_the_rest_of_it_to_the_next(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [], 10)
        await before.events.begin(known=False)
        await before.events.listed([observed(1, 30, 0)], "40")
        await before.stop()
    async with followed(client, NOW + 3600) as after:
        await start(after, [observed(1, 30, 0), observed(2, 20, -1)], 40)
    assert await messages_on(client) == [says(1, 30), says(2, 20)]


async def test_a_gap_does_not_end_with_a_change_that_is_no_news(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [], 15)
        await before.stop()
    async with followed(client, NOW + 3600) as after:
        await start(after, [], 15, known=True)
        await after.events.changed(Change("MODIFIED", observed(1, 16, 9000)))
        await after.events.changed(Change("ADDED", observed(2, 17, -600)))
    assert await messages_on(client) == [says(2, 17)]


async def test_an_old_event_that_is_only_touched_or_deleted_is_no_news(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [observed(1, 11, 1800)], 20)
        await process.events.changed(Change("MODIFIED", observed(1, 21, 1800)))
        await process.events.changed(Change("DELETED", observed(1, 22, 1800)))
        assert process.journals[0].checkpoint.version == "22"
    assert await on_the_stream(client) == []


async def test_a_restored_api_server_begins_a_new_history(client: Client) -> None:
    async with followed(client) as before:
        await start(before, [], 1000)
        await before.events.changed(Change("ADDED", observed(1, 1001, 0)))
        await before.stop()
    async with followed(client) as after:
        assert await after.events.since() == "1001"
        await after.events.begin(known=False)
        await after.events.listed([observed(2, 12, 10)], "20")
        await after.events.synced("20")
        await after.events.changed(Change("ADDED", observed(3, 21, 0)))
        await after.stop()
    assert await messages_on(client) == [says(1, 1001), says(2, 12), says(3, 21)]
    async with followed(client) as last:
        assert await last.events.since() == "21"


async def test_an_api_server_that_is_restored_under_a_running_watch_begins_a_new_history(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [], 1000)
        await process.events.changed(Change("ADDED", observed(1, 1001, 0)))
        await process.published()
        await process.events.begin(known=False)
        await process.events.listed([observed(1, 5, 0), observed(2, 12, 0)], "20")
        await process.events.synced("20")
        await process.events.changed(Change("ADDED", observed(3, 21, 0)))
    assert sorted(await messages_on(client)) == sorted([says(1, 1001), says(1, 5), says(2, 12), says(3, 21)])


async def test_an_object_without_a_uid_stops_nothing(client: Client) -> None:
    async with followed(client) as process:
        await start(process, [{"metadata": None}, {}, observed(1, 11, 0)], 20)
        await process.events.changed(Change("ADDED", {"metadata": {"uid": None}}))
        await process.events.changed(Change("ADDED", observed(2, 21, 0)))
    assert await messages_on(client) == [says(1, 11), says(2, 21)]
