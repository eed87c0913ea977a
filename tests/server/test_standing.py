"""How streams and their readers stand, asked of a real server."""

from __future__ import annotations

import asyncio
import time

import pytest
from nats.aio.client import Client

from app.jetstream.standing import OLD, Standing, Wanted
from tests.servers import NatsServer

WANTED = Wanted(("ops", "nowhere"), (("ops", "hooks"), ("ops", "nobody")))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def publish(client: Client, count: int) -> None:
    for number in range(count):
        await client.jetstream().publish(f"ops.a.{number}", b"{}")


async def test_what_waits_and_since_when_is_told(client: Client) -> None:
    standing = Standing(WANTED)
    await standing.look(client)
    assert standing.streams["ops"].messages == 0
    assert (standing.queues["hooks"].pending, standing.queues["hooks"].oldest) == (0, None)
    await publish(client, 1)
    await asyncio.sleep(0.5)
    await publish(client, 2)
    await standing.look(client)
    stream, queue = standing.streams["ops"], standing.queues["hooks"]
    assert (stream.messages, stream.max_age, stream.most_bytes) == (3, 86_400, None)
    assert stream.size > 0
    assert stream.oldest is not None
    assert 0.5 <= time.time() - stream.oldest < 30
    assert (queue.pending, queue.unsettled, queue.oldest) == (3, 0, stream.oldest)


async def test_the_oldest_is_the_first_that_is_not_settled(client: Client) -> None:
    await publish(client, 3)
    reading = await client.jetstream().pull_subscribe_bind("hooks", "ops")
    first, second = await reading.fetch(2)
    await first.ack_sync()
    standing = Standing(WANTED)
    await standing.look(client)
    queue = standing.queues["hooks"]
    assert (queue.pending, queue.unsettled) == (1, 1)
    assert queue.oldest == pytest.approx(second.metadata.timestamp.timestamp(), abs=0.001)


async def test_what_is_not_there_or_was_heard_too_long_ago_is_not_told(client: Client) -> None:
    clock = Clock()
    standing = Standing(WANTED, clock)
    await standing.look(client)
    assert (set(standing.streams), set(standing.queues)) == ({"ops"}, {"hooks"})
    clock.now = OLD + 1
    assert (standing.streams, standing.queues) == ({}, {})


async def test_a_server_that_is_away_is_not_asked_and_nothing_fails(client: Client, nats_server: NatsServer) -> None:
    standing = Standing(Wanted(("ops",)))
    with nats_server.paused():
        await asyncio.wait_for(standing.look(client), 30)
    assert standing.streams == {}
    async with asyncio.timeout(30):
        while not standing.streams:
            await standing.look(client)
