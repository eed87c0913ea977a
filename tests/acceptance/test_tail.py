"""The live tail, as clients on the other side of HTTP see it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from typing import Any

import aiohttp
from nats.aio.client import Client

from streams.subjects import OPS
from tests.app import App, running_app
from tests.consumers import passing
from tests.servers import NatsServer
from tests.tailing import Follower, following, sequences

POD = "ops.clusters.default.namespaces.x.pods.a.events"


async def publish(wire: Client, *subjects: str) -> list[int]:
    """Store a message on each subject; their sequences."""
    return [(await wire.jetstream().publish(subject, b'{"n":1}')).seq for subject in subjects]


async def until_none_is_left(wire: Client) -> None:
    async with asyncio.timeout(10):
        while await passing(wire):  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0.02)


async def test_a_tail_begins_now(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    await publish(wire, "ops.before")
    async with http.get(f"{app.url}/api/v1/events/ops..a/tail") as refused:
        assert (refused.status, (await refused.json())["code"]) == (400, -1)
    async with http.head(f"{app.url}/api/v1/events/ops.>/tail") as head:
        assert (head.status, await passing(wire)) == (200, [])
    async with following(http, app.url, "ops.>") as tail:
        assert tail.response.headers["Content-Type"] == "text/event-stream"
        assert tail.response.headers["Cache-Control"] == "no-store"
        assert tail.last_id == 1
        body = {"message": "deployed"}
        async with http.post(f"{app.url}/api/v1/namespaces/x/events/deploys", json=body) as response:
            stored = (await response.json())["data"]
        [item] = await tail.events(1)
        assert (item["subject"], item["sequence"]) == (stored["subject"], stored["sequence"])
        assert (item["event"]["id"], item["event"]["data"]["message"]) == (stored["id"], "deployed")
        assert tail.last_id == stored["sequence"]


PATTERNS = ("ops.clusters.*.namespaces.*.*.*.events", "ops.clusters.%2A.%3E", "ops.>", POD)


async def test_a_tail_sees_what_its_filter_sees(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    for pattern in PATTERNS:
        async with following(http, app.url, pattern) as tail:
            [wanted] = await publish(wire, POD)
            assert sequences(await tail.events(1)) == [wanted]
    async with following(http, app.url, "ops.clusters.*.nodes.>") as tail:
        *_, wanted = await publish(wire, POD, "ops.notifications.x", "ops.clusters.a.nodes.b.events")
        assert sequences(await tail.events(1)) == [wanted]


async def test_a_tail_begins_at_a_time(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    await publish(wire, "ops.a", "ops.a")
    await asyncio.sleep(0.05)
    since = str(int(time.time() * 1000))
    kept = await publish(wire, "ops.a", "ops.b", "ops.a")
    async with following(http, app.url, "ops.a", start_time=since) as tail:
        assert sequences(await tail.events(2)) == [kept[0], kept[2]]
        [live] = await publish(wire, "ops.a")
        assert sequences(await tail.events(1)) == [live]


async def test_a_tail_resumes_behind_an_id_while_events_come(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    """Connections that end again and again: together they have everything, once and in order."""
    ended = asyncio.Event()

    async def publish_on() -> int:
        number = 0
        while not ended.is_set():
            await publish(wire, "ops.a", "ops.b")
            number += 2
        return number

    publishing = asyncio.create_task(publish_on())
    seen: list[int] = []
    last: int | None = 0
    for part in (1, 40, 300, 7, 500, 90):
        async with following(http, app.url, "ops.*", last) as tail:
            seen += sequences(await tail.events(part))
            last = seen[-1]
    ended.set()
    number = await publishing
    async with following(http, app.url, "ops.*", last) as tail:
        seen += sequences(await tail.events(number - len(seen)))
    assert seen == list(range(1, number + 1))


async def test_what_cannot_be_had_any_more_is_told_first(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    await publish(wire, *["ops.a"] * 9)
    await wire.jetstream().purge_stream(OPS, seq=6)
    async with following(http, app.url, "ops.a", 2) as tail:
        gap = await tail.next()
        assert gap is not None
        assert (gap.event, gap.data["first"], gap.data["last"]) == ("gap", 3, 5)
        assert sequences(await tail.events(4)) == [6, 7, 8, 9]
    async with following(http, app.url, "ops.a", 4711) as tail:  # an id that the stream has not had
        gap = await tail.next()
        assert gap is not None
        assert (gap.event, gap.data["last"]) == ("gap", 9)
        [sequence] = await publish(wire, "ops.a")
        assert sequences(await tail.events(1)) == [sequence]


async def test_five_hundred_tails_have_one_reader_and_each_gets_the_event(app: App, wire: Client) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        patterns = ["ops.>" if number % 2 else f"ops.*.n{number}" for number in range(500)]
        tails = [following(http, app.url, pattern) for pattern in patterns]
        entered: list[Follower] = await asyncio.gather(*map(stack.enter_async_context, tails))
        assert len(await passing(wire)) == 1
        await publish(wire, *[f"ops.a.n{number}" for number in range(0, 500, 2)])
        for number, tail in enumerate(entered):
            wanted = list(range(1, 251)) if number % 2 else [number // 2 + 1]
            assert sequences(await tail.events(len(wanted))) == wanted
    await until_none_is_left(wire)


async def test_nothing_is_missing_or_comes_twice_when_nats_is_killed(
    app: App, http: aiohttp.ClientSession, wire: Client, provisioned: NatsServer
) -> None:
    async with following(http, app.url, "ops.>") as tail:
        first = await publish(wire, *["ops.a"] * 50)
        assert sequences(await tail.events(50)) == first
        for _ in range(2):
            await provisioned.kill()
            async with http.get(f"{app.url}/api/v1/events/ops.>/tail") as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "1")
            await provisioned.start()
            async with asyncio.timeout(20):
                while not wire.is_connected:  # noqa: ASYNC110 -- nats-py tells of it by a callback of the connection only
                    await asyncio.sleep(0.02)
            later = await publish(wire, *["ops.a"] * 50)
            assert sequences(await tail.events(50)) == later
    await until_none_is_left(wire)


async def test_the_end_of_the_app_ends_tails_with_a_word(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    async with following(http, app.url, "ops.>") as tail, following(http, app.url, "ops.a", 0) as other:
        await publish(wire, "ops.a", "ops.a")
        await tail.events(2)
        await other.events(2)
        assert await asyncio.wait_for(app.stop(), 8) in {0, -15}  # of 10 s that uvicorn waits for open connections
        for each in (tail, other):
            [last] = await each.rest()
            assert (last.event, last.data["last_event_id"]) == ("shutdown", 2)
    assert await passing(wire) == []
    assert "ERROR" not in app.log


async def test_the_end_of_an_app_with_workers_ends_tails_with_a_word(
    provisioned: NatsServer, tmp_path: Path, http: aiohttp.ClientSession, wire: Client
) -> None:
    app = App(tmp_path / "app", {"EVENT_ENDPOINT": provisioned.url}, arguments=("--workers", "2"))
    await app.start()
    try:
        async with following(http, app.url, "ops.>") as tail, following(http, app.url, "ops.>") as other:
            await publish(wire, "ops.a")
            assert [*await tail.events(1), *await other.events(1)]
            await asyncio.wait_for(app.stop(), 8)
            for each in (tail, other):
                [last] = await each.rest()
                assert last.event == "shutdown"
    finally:
        await app.kill()
    await until_none_is_left(wire)


def deaf(app: App) -> socket.socket:
    """A client that never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", app.port))
    client.sendall(b"GET /api/v1/events/ops.>/tail HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


async def publish_much(wire: Client, megabytes: int) -> None:
    for _ in range(megabytes * 2):
        await wire.jetstream().publish("ops.much", b'"%s"' % (b"x" * 512 * 1024))


def is_cut(client: socket.socket) -> bool:
    """Whether the server has ended the connection, seen from below: it is not read."""
    info: Any = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return bool(info[0] != 1)  # ESTABLISHED


async def test_who_never_reads_is_dropped_and_the_others_are_not(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    with deaf(app) as client:
        async with following(http, app.url, "ops.>") as tail:
            items = []
            for _ in range(16):  # no faster than who reads: 4 MiB may wait
                await publish_much(wire, 1)
                items += await tail.events(2)
            assert sequences(items) == list(range(1, 33))
            async with asyncio.timeout(20):
                while not is_cut(client):  # noqa: ASYNC110 -- only the kernel knows
                    await asyncio.sleep(0.05)


async def test_who_never_reads_does_not_hold_up_the_end(app: App, wire: Client) -> None:
    with deaf(app):
        await until_followed(wire)
        await publish_much(wire, 5)
        assert await asyncio.wait_for(app.stop(), 8) in {0, -15}


async def until_followed(wire: Client) -> None:
    async with asyncio.timeout(10):
        while not await passing(wire):  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0.02)


async def test_without_the_role_there_is_no_tail(provisioned: NatsServer, tmp_path: Path) -> None:
    async with (
        running_app(tmp_path / "app", EVENT_ENDPOINT=provisioned.url, ROLES="hooks") as app,
        aiohttp.ClientSession() as http,
        http.get(f"{app.url}/api/v1/events/ops.>/tail") as response,
    ):
        assert response.status == 404
