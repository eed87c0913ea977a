"""Looking into streams of a real server, without leaving anything behind."""

from __future__ import annotations

import pytest
from nats.aio.client import Client

from app.errors import UnavailableError
from app.jetstream.read import StreamReader, newest
from tests.servers import NatsServer

STREAM = "ops-dead-letters"


@pytest.fixture
def reader(client: Client) -> StreamReader:
    return StreamReader(lambda: client)


async def publish(client: Client, *tokens: str) -> None:
    for number, token in enumerate(tokens):
        await client.jetstream().publish(f"{STREAM}.{token}", b"%d" % number, headers={"Number": str(number)})


async def consumers(client: Client) -> int:
    info = await client.jetstream().stream_info(STREAM)
    return info.state.consumer_count


async def test_a_message_is_got_with_where_and_when_it_was_stored(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "b")
    found = await reader.get(STREAM, 2)

    assert found is not None
    assert (found.sequence, found.subject, found.payload, found.size) == (2, f"{STREAM}.b", b"1", 1)
    assert found.headers["Number"] == "1"
    stored = (await client.jetstream().get_msg(STREAM, 2)).time
    assert stored is not None
    assert found.stored == pytest.approx(stored.timestamp(), abs=1e-3)


async def test_what_is_not_there_is_none(client: Client, reader: StreamReader) -> None:
    await publish(client, "a")
    assert await reader.get(STREAM, 2) is None
    assert await reader.last(STREAM, f"{STREAM}.b") is None
    assert await reader.first(STREAM, f"{STREAM}.a", 2) is None
    assert await reader.consumer(STREAM, "nobody") is None
    assert not await reader.delete(STREAM, 2)


async def test_a_message_that_calls_itself_a_status_is_a_message(client: Client, reader: StreamReader) -> None:
    await client.jetstream().publish(f"{STREAM}.a", b"x", headers={"Status": "404", "Description": "Not Found"})
    found = await reader.get(STREAM, 1)
    assert found is not None
    assert found.payload == b"x"


async def test_messages_of_a_filter_are_got_in_parts_in_their_order(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "b", "c", "a")
    found = await reader.following(STREAM, f"{STREAM}.*", 2, 2)
    assert [(one.sequence, one.subject, one.payload) for one in found] == [
        (2, f"{STREAM}.b", b"1"),
        (3, f"{STREAM}.c", b"2"),
    ]
    assert [one.sequence for one in await reader.following(STREAM, f"{STREAM}.a", 2, 10)] == [4]
    assert await reader.following(STREAM, f"{STREAM}.*", 5, 10) == []
    assert await consumers(client) == 0


async def test_of_each_subject_is_known_how_many_messages_there_are(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "b", "a")
    assert await reader.numbers(STREAM, f"{STREAM}.*") == {f"{STREAM}.a": 2, f"{STREAM}.b": 1}
    assert await reader.numbers(STREAM, f"{STREAM}.c") == {}


async def test_the_first_message_of_a_subject_knows_how_many_follow_it(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "b", "a", "a", "b")
    found = await reader.first(STREAM, f"{STREAM}.a", 2)
    assert found is not None
    assert (found.sequence, found.following) == (3, 1)


async def test_the_newest_message_of_a_subject_is_found(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "b", "a", "b")
    found = await reader.last(STREAM, f"{STREAM}.a")
    assert found is not None
    assert found.sequence == 3


async def test_messages_are_deleted_one_by_one(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "a", "a")
    assert await reader.delete(STREAM, 1)
    assert await reader.delete(STREAM, 2, erase=True)
    assert not await reader.delete(STREAM, 2)
    assert (await reader.extent(STREAM, f"{STREAM}.a")).number == 1


async def test_heads_come_without_payloads_and_their_reader_is_gone(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "b", "a", "a")
    heads = await reader.heads(STREAM, f"{STREAM}.a", 2, 10)

    assert [(head.sequence, head.headers["Number"], head.size) for head in heads] == [(3, "2", 1), (4, "3", 1)]
    assert await reader.heads(STREAM, f"{STREAM}.none", 0, 10) == []
    assert await consumers(client) == 0


async def test_many_heads_come_in_order(client: Client, reader: StreamReader) -> None:
    await publish(client, *["a"] * 1500)
    heads = await reader.heads(STREAM, f"{STREAM}.a", 0, 1200)
    assert [head.sequence for head in heads] == list(range(1, 1201))


@pytest.mark.parametrize("size", [1, 3, 10, 100])
async def test_pages_from_the_newest_hold_each_message_once(client: Client, reader: StreamReader, size: int) -> None:
    tokens = ["b" if number % 7 == 3 or 20 <= number < 30 else "a" for number in range(60)]
    await publish(client, *tokens)
    for gone in (1, 15, 16, 40, 60):
        await reader.delete(STREAM, gone)
    expected = [n for n, token in enumerate(tokens, 1) if token == "b" and n not in {1, 15, 16, 40, 60}][::-1]

    found: list[int] = []
    while True:
        heads, total = await newest(reader, STREAM, f"{STREAM}.b", len(found), size)
        assert total == len(expected)
        found += [head.sequence for head in heads]
        if len(heads) < size:
            break
    assert found == expected
    assert await consumers(client) == 0


async def test_a_page_behind_the_last_is_empty(client: Client, reader: StreamReader) -> None:
    await publish(client, "a", "a")
    assert await newest(reader, STREAM, f"{STREAM}.a", 2, 10) == ([], 2)
    assert await newest(reader, STREAM, f"{STREAM}.b", 0, 10) == ([], 0)


async def test_the_retention_is_the_streams_as_it_is_on_the_server(client: Client, reader: StreamReader) -> None:
    config = (await client.jetstream().stream_info(STREAM)).config
    await client.jetstream().update_stream(config.evolve(max_age=3600.0))
    assert await reader.retention(STREAM) == 3600
    assert (await reader.extent(STREAM, f"{STREAM}.a")).retention == 3600


async def test_a_server_that_is_away_is_told_in_our_own_words(
    client: Client, reader: StreamReader, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jetstream.read._TIMEOUT", 0.1)
    await nats_server.kill()
    for asked in (
        reader.get(STREAM, 1),
        reader.heads(STREAM, f"{STREAM}.a", 0, 1),
        reader.extent(STREAM, f"{STREAM}.a"),
        reader.delete(STREAM, 1),
    ):
        with pytest.raises(UnavailableError):
            await asked


async def test_a_stream_that_is_not_there_is_told_so(client: Client, reader: StreamReader) -> None:
    await client.jetstream().delete_stream(STREAM)
    with pytest.raises(UnavailableError):
        await reader.extent(STREAM, f"{STREAM}.a")
    with pytest.raises(UnavailableError):
        await reader.heads(STREAM, f"{STREAM}.a", 0, 1)


async def test_before_the_first_connection_nothing_is_read() -> None:
    with pytest.raises(UnavailableError, match="not connected"):
        await StreamReader(lambda: None).get(STREAM, 1)
