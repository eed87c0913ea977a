"""Pulling on a real server: what arrives is handed on, what nobody takes is given back at once."""

from __future__ import annotations

import asyncio
import time

import pytest
from nats.aio.client import Client

from app.jetstream.ending import end
from app.jetstream.pull import BATCH, Pull
from streams.consumers import ACK_WAIT_SECONDS
from tests.servers import NatsServer, settle


async def publish(client: Client, count: int) -> None:
    for number in range(count):
        await client.jetstream().publish("ops.a", b"%d" % number)


async def take(pull: Pull, count: int) -> list[bytes]:
    """What batches bring, acknowledged, until there are enough."""
    taken: list[bytes] = []
    async with asyncio.timeout(ACK_WAIT_SECONDS / 2):  # what was not given back would come later than this
        while len(taken) < count:
            for message in await pull.batch():
                taken.append(message.data)
                await message.ack()
    return taken


async def test_more_than_one_request_brings_comes_in_order(client: Client) -> None:
    await publish(client, BATCH + 50)
    pull = Pull(client, "ops", "hooks")
    await pull.open()
    assert await take(pull, BATCH + 50) == [b"%d" % number for number in range(BATCH + 50)]


async def test_what_was_not_taken_is_given_back_at_once(client: Client) -> None:
    await publish(client, 10)
    first = Pull(client, "ops", "hooks")
    await first.open()
    while len(first._buffer) < 10:
        await first._wait()
    await first.close()
    second = Pull(client, "ops", "hooks")
    await second.open()
    assert sorted(await take(second, 10)) == [b"%d" % number for number in range(10)]


async def test_what_is_on_its_way_at_the_end_is_given_back_at_once(client: Client) -> None:
    await publish(client, 100)
    hasty = Pull(client, "ops", "hooks")
    await hasty.open()
    await hasty._ask()
    await settle(client)
    time.sleep(0.1)  # noqa: ASYNC251 -- the loop is busy: what the server sends waits to be read
    await hasty.close()
    patient = Pull(client, "ops", "hooks")
    await patient.open()
    assert sorted(await take(patient, 100)) == sorted(b"%d" % number for number in range(100))


async def test_a_consumer_that_is_not_there_is_reported(client: Client) -> None:
    pull = Pull(client, "ops", "nobody")
    await pull.open()
    with pytest.raises(ConnectionError, match="503"):
        await pull.batch()


async def test_a_close_that_is_given_up_leaves_the_connection_in_order(client: Client, nats_server: NatsServer) -> None:
    await publish(client, 10)
    pull = Pull(client, "ops", "hooks")
    await pull.open()
    with nats_server.paused():
        closing = asyncio.create_task(pull.close())
        await asyncio.sleep(0.1)
        await end((closing,))
    assert (await client.jetstream().stream_info("ops")).config.name == "ops"


async def test_a_close_that_the_server_does_not_answer_ends_and_leaves_the_connection_in_order(
    client: Client, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jetstream.pull._LAST", 0.1)
    pull = Pull(client, "ops", "hooks")
    await pull.open()
    with nats_server.paused():
        await pull.close()
    assert (await client.jetstream().stream_info("ops")).config.name == "ops"
    assert client._subs.keys().isdisjoint({pull._subscription._id})
