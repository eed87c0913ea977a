"""What the streams promise to those who use them, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig
from nats.js.errors import APIError, KeyNotFoundError, ServiceUnavailableError
from nats.js.kv import KeyValue

from streams import buckets
from streams.live import outstanding, provision
from streams.subjects import HOOKS_BUCKET, HOOKS_MATCHER, OPS
from tests.server.buckets import revisions
from tests.servers import NatsServer, jetstream


@pytest.fixture
async def ready(nats_server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream of a server that is as the code wants it."""
    async with jetstream(nats_server.url) as js:
        assert await provision(js, 1) == ()
        yield js


async def test_a_full_stream_refuses_the_new_event_and_keeps_the_old_ones(ready: JetStreamContext) -> None:
    await ready.update_stream((await ready.stream_info(OPS)).config.evolve(max_bytes=2_000))
    for number in range(5):
        await ready.publish(f"ops.test.{number}", b"x" * 100)
    with pytest.raises(ServiceUnavailableError, match="maximum bytes exceeded"):
        await ready.publish("ops.test", b"x" * 2_000)
    state = (await ready.stream_info(OPS)).state
    assert (state.first_seq, state.messages) == (1, 5)


async def test_an_event_that_is_published_again_is_kept_once(ready: JetStreamContext) -> None:
    first = await ready.publish("ops.test", b"{}", headers={"Nats-Msg-Id": "one"})
    again = await ready.publish("ops.test", b"{}", headers={"Nats-Msg-Id": "one"})
    assert (first.duplicate, again.duplicate, again.seq) == (None, True, first.seq)
    assert (await ready.stream_info(OPS)).state.messages == 1


async def test_a_publisher_can_neither_wipe_the_events_nor_let_one_expire(ready: JetStreamContext) -> None:
    await ready.publish("ops.test", b"{}")
    for header in ({"Nats-Rollup": "all"}, {"Nats-TTL": "1s"}):
        with pytest.raises(APIError):
            await ready.publish("ops.test", b"{}", headers=header)
    assert (await ready.stream_info(OPS)).state.messages == 1


async def test_more_consumers_than_the_servers_default_fit_on_parked(
    nats_server: NatsServer, ready: JetStreamContext
) -> None:
    for number in range(1_001):
        config = ConsumerConfig(durable_name=f"t{number}", filter_subject=f"ops-parked.hooks.team.{number}")
        await ready.add_consumer("ops-parked", config)
    assert (await ready.stream_info("ops-parked")).state.consumer_count == 1_001
    await nats_server.kill()  # asked to end, it would take ten seconds to write them all down


async def test_the_bucket_works_through_the_key_value_api(ready: JetStreamContext) -> None:
    bucket = await ready.key_value(HOOKS_BUCKET)
    for revision in range(buckets.HISTORY + 2):
        await bucket.put("team.hook", str(revision).encode())
    assert (await bucket.get("team.hook")).value == b"6"
    assert await revisions(ready, HOOKS_BUCKET, "team.hook") == [b"2", b"3", b"4", b"5", b"6"]
    await bucket.delete("team.hook")
    with pytest.raises(KeyNotFoundError):
        await bucket.get("team.hook")
    await bucket.purge("team.hook")
    assert (await bucket.status()).values == 1
    await bucket.create("team.hook", b"again")
    assert (await bucket.get("team.hook")).value == b"again"


async def test_a_watcher_of_the_bucket_hears_of_each_change(ready: JetStreamContext) -> None:
    bucket = await ready.key_value(HOOKS_BUCKET)
    watcher = await bucket.watchall()
    changes = (
        (bucket.put, ("team.hook", b"first"), "first"),
        (bucket.put, ("team.hook", b"second"), "second"),
        (bucket.delete, ("team.hook",), "DEL"),
        (bucket.purge, ("team.hook",), "PURGE"),
        (bucket.create, ("team.hook", b"again"), "again"),
    )
    for change, arguments, name in changes:  # one at a time: the history drops what a slow watcher has not yet read
        await change(*arguments)
        assert await next_update(watcher) == name


async def next_update(watcher: KeyValue.KeyWatcher) -> str:
    """What a watcher is told next: a value, or the name of another operation."""
    async with asyncio.timeout(10):
        while (entry := await anext(watcher)) is None:  # the mark that the past is over
            pass
    return entry.operation or (entry.value or b"").decode()


async def test_the_streams_survive_the_death_of_the_server(nats_server: NatsServer) -> None:
    async with jetstream(nats_server.url) as js:
        await provision(js, 1)
        await js.publish("ops.test", b"{}")
    await nats_server.kill()
    await nats_server.start()
    async with jetstream(nats_server.url) as js:
        assert await outstanding(js, 1) == ()
        (message,) = await (await js.pull_subscribe_bind(HOOKS_MATCHER, OPS)).fetch(1)
        assert message.subject == "ops.test"
