"""Tails on a real server: everything once and in order, wherever they start and whatever is lost meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from nats.aio.client import Client

from app.archive import live, tail_recent, tails
from app.archive.tail import Limits, Tail
from app.archive.tail_start import Behind, Now, Start
from app.archive.tails import Tails
from app.errors import UnavailableError
from app.jetstream.read import StreamReader
from streams import ops
from streams.subjects import OPS
from tests.consumers import passing
from tests.servers import NatsServer
from tests.tailing import SECONDS, Said, parse

_LOOK: Final = 0.02  # seconds


@asynccontextmanager
async def tailing(client: Client, **limits: Any) -> AsyncIterator[Tails]:
    """The tails of a process."""
    room = Tails(StreamReader(lambda: client), Limits(**limits), look=_LOOK)
    try:
        yield room
    finally:
        await room.close()


@pytest.fixture
async def room(client: Client) -> AsyncIterator[Tails]:
    async with tailing(client) as room:
        yield room


class Reader:
    """Takes what a tail has."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self._said: list[Said] = []

    async def next(self) -> Said:
        async with asyncio.timeout(SECONDS):
            while not self._said:
                blocks = (await self.tail.take()).split(b"\n\n")
                assert blocks != [b""], "the tail is over"
                self._said = [parse(block) for block in blocks if block]
        return self._said.pop(0)

    async def events(self, number: int) -> list[int]:
        """The sequences of the next events, whatever else is said."""
        found: list[int] = []
        while len(found) < number:
            said = await self.next()
            assert said.event == "message", said
            if said.is_event:
                found.append(said.data["sequence"])
        return found


async def opened(room: Tails, pattern: str = "ops.>", start: Start | None = None) -> Reader:
    reader = Reader(await room.open(pattern, start or Now()))
    assert (await reader.next()).retry
    return reader


async def publish(client: Client, number: int, subject: str = "ops.a") -> list[int]:
    """Store messages; their sequences."""
    context = client.jetstream()
    acks = [await context.publish_async(subject, b'{"n":1}') for _ in range(number)]
    return [(await ack).seq for ack in acks]


async def until_there_are(client: Client, number: int) -> list[str]:
    async with asyncio.timeout(SECONDS):
        while len(names := await passing(client)) != number:  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0.01)
    return names


async def test_the_reader_comes_with_the_first_tail_and_goes_with_the_last(client: Client, room: Tails) -> None:
    assert await passing(client) == []
    first = await opened(room)
    second = await opened(room, "ops.b")
    await until_there_are(client, 1)
    room.leave(first.tail)
    [sequence] = await publish(client, 1, "ops.b")
    assert await second.events(1) == [sequence]
    room.leave(second.tail)
    room.leave(second.tail)
    await until_there_are(client, 0)
    third = await opened(room)
    [sequence] = await publish(client, 1)
    assert await third.events(1) == [sequence]


async def test_a_long_past_is_caught_up_while_more_comes(client: Client, room: Tails) -> None:
    await publish(client, 3000)
    everything = await opened(room, start=Behind(0))
    publishing = asyncio.create_task(publish(client, 4000))
    part = await opened(room, start=Behind(1234))
    assert await everything.events(7000) == list(range(1, 7001))
    assert await part.events(7000 - 1234) == list(range(1235, 7001))
    await publishing
    assert len(await until_there_are(client, 1)) == 1


async def test_a_past_that_matches_little_is_caught_up(client: Client, room: Tails) -> None:
    await publish(client, 1500)
    [wanted] = await publish(client, 1, "ops.rare")
    await publish(client, 1500)
    reader = await opened(room, "ops.rare", Behind(5))
    assert await reader.events(1) == [wanted]
    [live_one] = await publish(client, 1, "ops.rare")
    assert await reader.events(1) == [live_one]


async def test_who_comes_back_soon_asks_jetstream_for_nothing(
    client: Client, room: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    staying, leaving = await opened(room), await opened(room)
    await publish(client, 5)
    assert await leaving.events(2) == [1, 2]
    room.leave(leaving.tail)
    await staying.events(5)
    monkeypatch.setattr(tails, "reading", None)
    back = await opened(room, start=Behind(2))
    assert await back.events(3) == [3, 4, 5]


async def test_what_is_forgotten_is_read_from_the_stream(
    client: Client, room: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_recent, "_MESSAGES", 3)
    staying = await opened(room)
    await publish(client, 50)
    await staying.events(50)
    back = await opened(room, start=Behind(7))
    assert await back.events(43) == list(range(8, 51))


async def test_a_page_that_is_large_is_read_in_parts(
    client: Client, room: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "_PAGE_BYTES", 500)
    await publish(client, 100)
    reader = await opened(room, start=Behind(0))
    assert await reader.events(100) == list(range(1, 101))


async def test_who_reads_too_slowly_resumes_without_loss(client: Client) -> None:
    async with tailing(client, events=10) as room:
        reader = await opened(room)
        seen = await reader.events(len(await publish(client, 4)))
        await publish(client, 40)
        async with asyncio.timeout(SECONDS):
            while not reader.tail.over:  # noqa: ASYNC110 -- it is not read, so nobody is told
                await asyncio.sleep(0.01)
        said = await reader.next()
        assert (said.event, said.data["last_event_id"]) == ("dropped", seen[-1])
        room.leave(reader.tail)
        resumed = Reader(await room.open("ops.>", Behind(seen[-1])))
        assert await resumed.events(40) == list(range(5, 45))


async def test_a_reader_of_the_past_is_waited_for(client: Client) -> None:
    """It holds no more than a page, so it may take its time."""
    async with tailing(client, events=300) as room:
        await publish(client, 2000)
        reader = await opened(room, start=Behind(0))
        await asyncio.sleep(0.1)
        assert len(reader.tail._waiting) <= 300
        assert await reader.events(2000) == list(range(1, 2001))


async def test_a_consumer_that_is_deleted_is_replaced(client: Client, room: Tails) -> None:
    reader = await opened(room)
    for _ in range(2):
        published = await publish(client, 20)
        assert await reader.events(20) == published
        [name] = await until_there_are(client, 1)
        await client.jetstream().delete_consumer(OPS, name)
    published = await publish(client, 20)
    assert await reader.events(20) == published


async def test_what_expires_while_nobody_reads_is_told(client: Client, room: Tails) -> None:
    reader = await opened(room)
    await publish(client, 3)
    await reader.events(3)
    [name] = await until_there_are(client, 1)
    reading = room._live
    assert reading is not None
    reading.position = 1  # as if the connection had been away since
    await client.jetstream().purge_stream(OPS)
    await client.jetstream().delete_consumer(OPS, name)
    said = await reader.next()
    assert (said.event, said.data["first"], said.data["last"]) == ("gap", 2, 3)
    [sequence] = await publish(client, 1)
    assert await reader.events(1) == [sequence]


async def test_a_stream_that_begins_anew_ends_the_tails(client: Client, room: Tails) -> None:
    reader = await opened(room)
    await publish(client, 5)
    await reader.events(5)
    await client.jetstream().delete_stream(OPS)
    await client.jetstream().add_stream(ops.ops(1))
    said = await reader.next()
    assert (said.event, "began anew" in said.data["message"]) == ("dropped", True)
    room.leave(reader.tail)
    again = await opened(room)
    [sequence] = await publish(client, 1)
    assert await again.events(1) == [sequence] == [1]


async def test_a_quiet_tail_has_heartbeats_that_tell_where_it_is(client: Client) -> None:
    async with tailing(client, silence=0.05) as room:
        reader = await opened(room, "ops.quiet")
        await publish(client, 7, "ops.loud")
        async with asyncio.timeout(SECONDS):
            while (said := await reader.next()).id != 7:
                assert said.comment == "heartbeat"


async def test_heartbeats_go_on_while_nats_is_away(client: Client, nats_server: NatsServer) -> None:
    async with tailing(client, silence=0.05) as room:
        await publish(client, 3)
        reader = await opened(room)
        await nats_server.kill()
        for _ in range(3):
            assert await reader.next() == Said(id=3, comment="heartbeat")
        await nats_server.start()
        async with asyncio.timeout(SECONDS):
            while not client.is_connected:  # noqa: ASYNC110 -- nats-py tells of it by a callback of the connection only
                await asyncio.sleep(0.01)
        [sequence] = await publish(client, 1)
        assert await reader.events(1) == [sequence]


async def test_there_are_only_so_many_tails(client: Client) -> None:
    async with tailing(client, tails=2) as room:
        first, _ = await opened(room), await opened(room)
        with pytest.raises(UnavailableError) as refused:
            await room.open("ops.>", Now())
        assert refused.value.retry_after_seconds == 10
        room.leave(first.tail)
        await opened(room)


async def test_a_tail_that_cannot_begin_takes_no_place(client: Client, nats_server: NatsServer) -> None:
    async with tailing(client, tails=1) as room:
        await nats_server.kill()
        for _ in range(3):
            with pytest.raises(UnavailableError) as refused:
                await room.open("ops.>", Now())
            assert refused.value.retry_after_seconds == 1
        assert len(room) == 0


async def test_whoever_shuts_lets_nobody_in(client: Client, room: Tails) -> None:
    reader = await opened(room)
    room.shut()
    assert (await reader.next()).event == "shutdown"
    with pytest.raises(UnavailableError):
        await room.open("ops.>", Now())


async def test_closing_leaves_nothing_behind(client: Client) -> None:
    await publish(client, 3000)
    before = asyncio.all_tasks()
    async with tailing(client, size=50_000) as room:
        for number in range(20):  # they are not read: some have caught up, some never will
            await room.open("ops.>", Behind(number))
    assert len(room) == 0
    assert await passing(client) == []
    assert asyncio.all_tasks() == before


async def test_a_fault_of_ours_ends_the_tails_with_a_word(
    client: Client, room: Tails, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader = await opened(room)
    monkeypatch.setattr(live, "Arrival", None)
    await publish(client, 1)
    said = await reader.next()
    assert (said.event, "fault of ours" in said.data["message"]) == ("dropped", True)
    assert "a tail ended by a fault of ours" in caplog.text
    monkeypatch.undo()
    room.leave(reader.tail)
    again = await opened(room, start=Behind(0))
    assert await again.events(1) == [1]
