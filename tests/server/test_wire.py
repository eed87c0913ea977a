"""What is written to a connection in one piece arrives as what nats-py would have written."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import BadSubjectError, ConnectionClosedError

from app.jetstream.wire import write
from tests.servers import settle

HEADERS = {
    "plain": {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": "e1"},
    "none": {},
    "other alphabets": {"Nats-Msg-Id": "\u00fcber/\u4e8b\u4ef6/\U0001f525"},
    "spaces at the ends": {"Nats-Msg-Id": "  e1 "},
    "a line of its own": {"Nats-Msg-Id": "e1\r\nNats-Rollup: all\r\n\r\nPUB ops.a 0"},
    "empty": {"Nats-Msg-Id": ""},
}
PAYLOADS = [b"", b"{}", b"\x00\r\nPUB ops.b 0\r\n\r\n", "\u4e8b\u4ef6".encode(), b"x" * 100_000]


async def seen(client: Client, subject: str = "ops.>") -> list[Msg]:
    """What arrives from here on: filled later."""
    arrived: list[Msg] = []

    async def take(message: Msg) -> None:
        arrived.append(message)

    await client.subscribe(subject, cb=take)
    await settle(client)
    return arrived


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
async def test_it_arrives_as_if_nats_py_had_written_it(client: Client, headers: dict[str, str], payload: bytes) -> None:
    arrived = await seen(client)
    await client.publish("ops.a.\u4e8b", payload, "", dict(headers))
    await write(client, "ops.a.\u4e8b", "ops-reply", payload, headers)
    await write(client, "ops.a.end", "ops-reply", b"", {})
    async with asyncio.timeout(10):
        while len(arrived) < 3:  # noqa: ASYNC110 -- nats-py's own task
            await asyncio.sleep(0.005)
    theirs, ours, end = arrived
    assert (ours.subject, ours.data, ours.headers) == (theirs.subject, theirs.data, theirs.headers)
    assert (ours.reply, end.subject) == ("ops-reply", "ops.a.end")


@pytest.mark.parametrize(
    "subject", ["", "ops.a b", "ops.a\r\nPUB ops.b 0", "ops.a\n", "\tops.a", "ops.\x00", "ops.\x7f"]
)
async def test_a_subject_that_would_be_another_command_is_refused(client: Client, subject: str) -> None:
    arrived = await seen(client)
    with pytest.raises(BadSubjectError):
        await write(client, subject, "ops-reply", b"", {})
    await settle(client)
    assert arrived == []


async def test_a_connection_that_is_has_ended_takes_no_more(client: Client) -> None:
    await client.drain()
    with pytest.raises(ConnectionClosedError):
        await write(client, "ops.a", "ops-reply", b"", {})
