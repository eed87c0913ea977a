"""A stream's past on a real server: every message once and in order, whatever happens, and nothing left behind."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.errors import UnavailableError
from app.jetstream.past import Slice, _Past, count, earlier, newest, reading, sequence_at
from app.jetstream.read import StreamReader
from tests.consumers import passing
from tests.servers import NatsServer


async def filled(client: Client, number: int, start: int = 0) -> None:
    """Events on `ops.a` and `ops.b` in turn."""
    context = client.jetstream()
    for place in range(start, start + number):
        await context.publish_async(f"ops.{'ab'[place % 2]}", str(place).encode())
    await context.publish_async_completed()


async def read(client: Client, piece: Slice) -> list[int]:
    """The sequences of a slice, as they come."""
    async with asyncio.timeout(20), reading(client, piece) as batches:
        return [message.metadata.sequence.stream async for batch in batches for message in batch]


async def test_a_slice_is_read_from_its_first_to_its_last_and_no_further(client: Client) -> None:
    await filled(client, 1500)
    assert await read(client, Slice("ops", "ops.>", 1, 1500)) == list(range(1, 1501))
    assert await read(client, Slice("ops", "ops.>", 300, 1111)) == list(range(300, 1112))
    assert await read(client, Slice("ops", "ops.b", 1, 1500)) == list(range(2, 1501, 2))
    assert await read(client, Slice("ops", "ops.b", 7, 7)) == []
    assert await read(client, Slice("ops", "ops.c", 1, 1500)) == []
    assert await read(client, Slice("ops", "ops.>", 0, 5)) == [1, 2, 3, 4, 5]


async def test_what_arrives_behind_the_end_is_not_waited_for(client: Client) -> None:
    await filled(client, 10)
    assert await read(client, Slice("ops", "ops.>", 1, 1_000_000)) == list(range(1, 11))
    assert await read(client, Slice("ops", "ops.>", 11, 1_000_000)) == []


async def test_reading_leaves_no_consumer_behind(client: Client) -> None:
    await filled(client, 600)
    await read(client, Slice("ops", "ops.>", 1, 600))
    assert await passing(client) == []


async def test_reading_that_is_broken_off_leaves_no_consumer_behind(client: Client) -> None:
    await filled(client, 600)
    async with reading(client, Slice("ops", "ops.>", 1, 600)) as batches:
        await anext(batches)
        assert len(await passing(client)) == 1
    assert await passing(client) == []

    begun = asyncio.Event()

    async def read_and_wait() -> None:
        async with reading(client, Slice("ops", "ops.>", 1, 600)) as batches:
            await anext(batches)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(read_and_wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await passing(client) == []


async def test_the_server_removes_the_consumer_of_a_process_that_died(client: Client) -> None:
    await filled(client, 1)
    async with reading(client, Slice("ops", "ops.>", 1, 1)):
        [name] = await passing(client)
        info = await client.jetstream().consumer_info("ops", name)
        assert info.config.inactive_threshold == 30
        assert info.config.mem_storage


async def test_the_next_batch_is_asked_for_when_it_is_wanted(client: Client) -> None:
    await filled(client, 2000)
    async with reading(client, Slice("ops", "ops.>", 1, 2000)) as batches:
        first = await anext(batches)
        [name] = await passing(client)
        info = await client.jetstream().consumer_info("ops", name)
        assert info.delivered is not None
        assert info.delivered.stream_seq == len(first)


async def test_a_consumer_that_is_lost_is_told_and_nothing_is_skipped(client: Client, nats_server: NatsServer) -> None:
    await filled(client, 2000)
    seen: list[int] = []

    async def read_until_killed() -> None:
        async with reading(client, Slice("ops", "ops.>", 1, 2000)) as batches:
            async for batch in batches:
                seen.extend(message.metadata.sequence.stream for message in batch)
                if len(seen) == 512:
                    await nats_server.kill()
                    await nats_server.start()

    with pytest.raises(UnavailableError):
        await read_until_killed()
    assert seen == list(range(1, 513))
    async with asyncio.timeout(10):
        while not client.is_connected:  # noqa: ASYNC110 -- nats-py tells of it by a callback of the connection only
            await asyncio.sleep(0.01)
    assert await read(client, Slice("ops", "ops.>", seen[-1] + 1, 2000)) == list(range(513, 2001))


async def test_a_stream_that_is_missing_is_told(client: Client) -> None:
    with pytest.raises(UnavailableError):
        await read(client, Slice("nonesuch", ">", 1, 1))


async def test_a_slice_is_counted_without_reading_it(client: Client) -> None:
    reader = StreamReader(lambda: client)
    assert await count(reader, Slice("ops", "ops.>", 1, 10)) == 0
    await filled(client, 100)
    assert await count(reader, Slice("ops", "ops.>", 1, 100)) == 100
    assert await count(reader, Slice("ops", "ops.b", 1, 100)) == 50
    assert await count(reader, Slice("ops", "ops.b", 11, 20)) == 5
    assert await count(reader, Slice("ops", "ops.c", 1, 100)) == 0


async def test_a_time_has_a_sequence(client: Client) -> None:
    reader = StreamReader(lambda: client)
    assert await sequence_at(reader, "ops", time.time()) == 1
    await filled(client, 10)
    await asyncio.sleep(0.01)  # so that the clock has moved on
    between = time.time()
    await filled(client, 10)
    assert await sequence_at(reader, "ops", 0) == 1
    assert await sequence_at(reader, "ops", between) == 11
    assert await sequence_at(reader, "ops", time.time() + 60) == 21


@given(st.integers(0, 3_000_000), st.integers(-10, 5_000_000), st.lists(st.integers(0, 30_000), min_size=1, max_size=9))
def test_the_parts_from_the_end_cover_the_slice_once(first: int, length: int, found: list[int]) -> None:
    whole = Slice("ops", "ops.>", first, first + length)
    parts = []
    part = newest(whole)
    while part is not None:
        parts.append(part)
        part = earlier(whole, part, found[len(parts) % len(found)])
    covered = [(part.first, part.last) for part in reversed(parts)]
    assert all(first <= last for first, last in covered)
    assert [last + 1 for _, last in covered[:-1]] == [first for first, _ in covered[1:]]
    if whole.last >= max(whole.first, 1):
        assert (covered[0][0], covered[-1][1]) == (max(whole.first, 1), whole.last)
    else:
        assert not covered


def test_a_quiet_subject_is_read_in_wider_parts() -> None:
    whole = Slice("ops", "ops.a", 1, 10_000_000)
    part, number = newest(whole), 0
    while part is not None:
        part, number = earlier(whole, part, 0), number + 1
    assert number < 15


async def test_a_replica_that_lags_behind_the_leader_is_asked_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(client, 10)
    answers = [True, True, False]

    async def more(_: _Past, position: int) -> bool:
        """What the leader says; what it tells of arrives a little later."""
        await filled(client, 5, start=position)
        return answers.pop(0)

    monkeypatch.setattr(_Past, "_more", more)
    assert await read(client, Slice("ops", "ops.>", 1, 30)) == list(range(1, 21))
    assert answers == []


async def test_a_message_that_is_lost_on_its_way_is_noticed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(client, 10)
    take = _Past._take

    async def lose_the_fifth(self: _Past, message: Msg) -> None:
        if not message.reply or message.metadata.sequence.stream != 5:
            await take(self, message)

    monkeypatch.setattr(_Past, "_take", lose_the_fifth)
    with pytest.raises(UnavailableError):
        await read(client, Slice("ops", "ops.>", 1, 10))
