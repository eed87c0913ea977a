"""Streams as code, on a real server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StorageType, StreamConfig, StreamSource
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from streams import buckets
from streams.live import apply, outstanding, provision
from streams.plan import Action, Change
from streams.subjects import HOOKS_BUCKET, HOOKS_MATCHER, NOTIFICATIONS_MATCHER, OPS
from streams.topology import topology
from tests.servers import NatsServer, free_port, jetstream, running_nats

HOOKS_STREAM = "KV_ops-hooks"
EVERYTHING = len(topology(1).streams) + len(topology(1).consumers)


@pytest.fixture
async def js(nats_server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream of an empty server."""
    async with jetstream(nats_server.url) as context:
        yield context


@pytest.fixture
async def ready(js: JetStreamContext) -> JetStreamContext:
    """JetStream of a server that is as the code wants it."""
    assert await provision(js, 1) == ()
    return js


async def missing(js: JetStreamContext) -> list[Change]:
    return [change for change in await outstanding(js, 1) if change.absent]


async def update(js: JetStreamContext, stream: str, **changes: Any) -> None:
    """What an operator does by hand."""
    await js.update_stream((await js.stream_info(stream)).config.evolve(**changes))


async def update_matcher(js: JetStreamContext, **changes: Any) -> None:
    config: ConsumerConfig = (await js.consumer_info(OPS, HOOKS_MATCHER)).config
    await js.add_consumer(OPS, config.evolve(**changes))


async def test_an_empty_server_gets_everything(js: JetStreamContext) -> None:
    assert await provision(js, 1) == ()
    names = {info.config.name for info in await js.streams_info()}
    assert names == {str(config.name) for config in topology(1).streams} > {"ops", HOOKS_STREAM}
    assert [info.name for info in await js.consumers_info(OPS)] == [HOOKS_MATCHER, NOTIFICATIONS_MATCHER]


async def test_what_is_applied_needs_nothing_more(ready: JetStreamContext) -> None:
    assert await outstanding(ready, 1) == ()
    assert await missing(ready) == []
    assert await provision(ready, 1) == ()


async def test_reading_a_server_changes_nothing(js: JetStreamContext) -> None:
    assert len(await outstanding(js, 1)) == EVERYTHING
    assert len(await missing(js)) == EVERYTHING
    assert await js.streams_info() == []


async def test_drift_is_found_and_mended(ready: JetStreamContext) -> None:
    await update(ready, OPS, discard="old", max_age=3600.0, max_msgs_per_subject=10)
    await update_matcher(ready, ack_wait=60.0, max_deliver=5, backoff=[1.0, 2.0])
    found = {change.name: sorted(change.values) for change in await outstanding(ready, 1)}
    assert found == {
        "ops": ["discard", "max_age", "max_msgs_per_subject"],
        "ops/hooks": ["ack_wait", "backoff", "max_deliver"],
    }
    assert await missing(ready) == []
    assert await provision(ready, 1) == ()
    assert await outstanding(ready, 1) == ()


async def test_several_filters_are_mended_to_the_one(ready: JetStreamContext) -> None:
    await update_matcher(ready, filter_subject=None, filter_subjects=["ops.a", "ops.b"])
    assert await provision(ready, 1) == ()
    config = (await ready.consumer_info(OPS, HOOKS_MATCHER)).config
    assert (config.filter_subject, config.filter_subjects) == ("ops.>", None)


async def test_mending_keeps_what_the_operator_added(ready: JetStreamContext) -> None:
    source = StreamSource(name="edge")
    await update(ready, OPS, discard="old", max_bytes=10**8, metadata={"team": "ops"}, sources=[source])
    await ready.pause_consumer(OPS, HOOKS_MATCHER, "2099-01-01T00:00:00Z")
    await update_matcher(ready, ack_wait=60.0)
    assert await provision(ready, 1) == ()
    config = (await ready.stream_info(OPS)).config
    assert (config.discard, config.max_bytes) == ("new", 10**8)
    assert [found.name for found in config.sources or ()] == ["edge"]
    assert (config.metadata or {})["team"] == "ops"
    consumer = await ready.consumer_info(OPS, HOOKS_MATCHER)
    assert (consumer.config.ack_wait, consumer.paused) == (10.0, True)


async def test_mending_a_consumer_keeps_its_position(ready: JetStreamContext) -> None:
    for number in range(3):
        await ready.publish(f"ops.test.{number}", b"{}")
    subscription = await ready.pull_subscribe_bind(HOOKS_MATCHER, OPS)
    (first,) = await subscription.fetch(1)
    await first.ack_sync()
    await update_matcher(ready, ack_wait=60.0)
    assert await provision(ready, 1) == ()
    assert (await ready.consumer_info(OPS, HOOKS_MATCHER)).ack_floor.stream_seq == 1
    assert [message.subject for message in await subscription.fetch(2)] == ["ops.test.1", "ops.test.2"]


async def test_an_event_that_came_before_the_consumer_is_delivered(ready: JetStreamContext) -> None:
    await ready.delete_consumer(OPS, HOOKS_MATCHER)
    await ready.publish("ops.early", b"{}")
    assert [change.name for change in await missing(ready)] == ["ops/hooks"]
    assert await provision(ready, 1) == ()
    (message,) = await (await ready.pull_subscribe_bind(HOOKS_MATCHER, OPS)).fetch(1)
    assert message.subject == "ops.early"


async def test_a_limit_that_would_drop_messages_waits_for_permission(ready: JetStreamContext) -> None:
    await update(ready, HOOKS_STREAM, max_msgs_per_subject=10)
    bucket = await ready.key_value(HOOKS_BUCKET)
    for revision in range(8):
        await bucket.put("team.hook", str(revision).encode())
    (held,) = await provision(ready, 1)
    assert (held.name, held.loses_data) == ("ops-hooks", True)
    assert (await ready.stream_info(HOOKS_STREAM)).state.messages == 8
    done = await apply(ready, [held], allow_loss=True)
    assert (len(done.made), done.remaining) == (1, ())
    assert (await ready.stream_info(HOOKS_STREAM)).state.messages == buckets.HISTORY
    assert await outstanding(ready, 1) == ()


async def test_a_shorter_retention_waits_for_permission(ready: JetStreamContext) -> None:
    await update(ready, OPS, max_age=48 * 3600.0)
    held = await provision(ready, 1)
    assert [(change.name, change.loses_data) for change in held] == [("ops", True)]
    assert (await ready.stream_info(OPS)).config.max_age == 48 * 3600
    assert (await apply(ready, held, allow_loss=True)).remaining == ()
    assert (await ready.stream_info(OPS)).config.max_age == 24 * 3600


async def test_a_foreign_stream_in_the_way_is_named_and_the_rest_is_made(js: JetStreamContext) -> None:
    await js.add_stream(name="legacy", subjects=["ops.clusters.>"])
    ops, matcher, notifier = await provision(js, 1)
    assert (ops.name, ops.action, ops.absent) == ("ops", Action.REFUSE, True)
    assert "stream legacy keeps ops.clusters.> already" in ops.reason
    assert (matcher.name, matcher.absent) == ("ops/hooks", True)
    assert (notifier.name, notifier.absent) == ("ops/notifications", True)
    assert {change.name for change in await missing(js)} == {"ops", "ops/hooks", "ops/notifications"}
    assert {info.config.name for info in await js.streams_info()} >= {"ops-parked", HOOKS_STREAM, "legacy"}
    await js.delete_stream("legacy")
    assert await provision(js, 1) == ()


async def test_a_foreign_stream_is_found_among_more_than_one_page_of_streams(js: JetStreamContext) -> None:
    for number in range(256):
        await js.add_stream(name=f"a{number}", subjects=[f"a.{number}"], storage=StorageType.MEMORY)
    await js.add_stream(name="z", subjects=["ops.z"], storage=StorageType.MEMORY)
    ops = (await outstanding(js, 1))[0]
    assert "stream z keeps ops.z already" in ops.reason


async def test_a_refusal_of_the_server_remains_with_its_reason_and_a_way_on(js: JetStreamContext) -> None:
    planned = await outstanding(js, 1)
    await js.add_stream(name="latecomer", subjects=["ops.>"])
    remaining = (await apply(js, planned)).remaining
    assert [(change.name, change.action) for change in remaining] == [
        ("ops", Action.REFUSE),
        ("ops/hooks", Action.REFUSE),
        ("ops/notifications", Action.REFUSE),
    ]
    assert "10065" in remaining[0].reason
    assert "give that one other subjects" in remaining[0].reason


async def test_replicas_that_a_single_server_cannot_hold_are_refused_with_a_way_on(js: JetStreamContext) -> None:
    remaining = await provision(js, 3)
    assert len(remaining) == EVERYTHING
    assert "use --replicas 1 or EVENT_STREAM_REPLICAS=1" in remaining[0].reason


async def test_a_storage_that_cannot_be_changed_is_refused(js: JetStreamContext) -> None:
    await js.add_stream(name=OPS, subjects=["ops.>"], storage=StorageType.MEMORY)
    (refused,) = [change for change in await provision(js, 1) if change.action is Action.REFUSE]
    assert [difference.field for difference in refused.differences] == ["storage"]
    assert (await js.stream_info(OPS)).config.storage == "memory"


async def test_what_the_plan_calls_impossible_the_server_refuses(ready: JetStreamContext) -> None:
    for changes in ({"storage": "memory"}, {"retention": "workqueue"}, {"persist_mode": "async"}):
        with pytest.raises(APIError, match="10052"):
            await update(ready, OPS, **changes)
    for changes in ({"deliver_policy": "new"}, {"ack_policy": "none"}, {"replay_policy": "original"}):
        with pytest.raises(APIError, match="10012"):
            await update_matcher(ready, **changes)
    for waiting in ({"max_waiting": 100}, {"mem_storage": True}):
        with pytest.raises(APIError, match="10012"):
            await update_matcher(ready, **waiting)


async def test_a_server_without_jetstream_is_an_error_of_its_own(js: JetStreamContext) -> None:
    changes = await outstanding(js, 1)
    elsewhere = js._nc.jetstream(prefix="$JS.nowhere.API")
    with pytest.raises(ServiceUnavailableError):
        await apply(elsewhere, changes)


@contextlib.asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[str]:
    """Three servers that know each other; gives the URLs."""
    routes = [free_port() for _ in range(3)]
    others = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
    async with contextlib.AsyncExitStack() as stack:
        urls = []
        for number, port in enumerate(routes):
            options = ("--name", f"n{number}", "--cluster_name", "c", "--cluster", f"nats://127.0.0.1:{port}")
            server = running_nats(folder / f"n{number}", *options, "--routes", others)
            urls.append((await stack.enter_async_context(server)).url)
        yield ",".join(urls)


async def until_a_leader_is_elected(client: Client) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(nats.errors.Error):  # asked before, no server answers
                await client.jetstream(timeout=0.5).account_info()
                return


async def test_a_cluster_holds_three_copies_and_is_not_reduced_to_one(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as urls:
        client = await nats.connect(urls.split(","))
        await until_a_leader_is_elected(client)
        js = client.jetstream(timeout=20)
        assert await provision(js, 3) == ()
        assert await outstanding(js, 3) == ()
        assert (await js.stream_info(OPS)).config.num_replicas == 3
        held = await provision(js, 1)
        assert {(tuple(change.values), change.loses_data) for change in held} == {(("num_replicas",), True)}
        assert (await js.stream_info(OPS)).config.num_replicas == 3
        await client.close()


async def test_a_stream_that_vanishes_between_plan_and_apply_remains(ready: JetStreamContext) -> None:
    await update(ready, "ops-attempts", description="old")
    planned = await outstanding(ready, 1)
    await ready.delete_stream("ops-attempts")
    (remaining,) = (await apply(ready, planned)).remaining
    assert remaining.name == "ops-attempts"
    with pytest.raises(NotFoundError):
        await ready.stream_info("ops-attempts")


async def test_a_mirror_under_our_name_is_refused_by_the_server_and_said_so(js: JetStreamContext) -> None:
    await js.add_stream(name="source", subjects=["s.>"])
    await js.add_stream(StreamConfig(name="ops-attempts", mirror=StreamSource(name="source")))
    refused, *_ = await provision(js, 1)
    assert (refused.name, refused.action) == ("ops-attempts", Action.REFUSE)
    assert "stream mirrors can not contain subjects" in refused.reasons[0]
