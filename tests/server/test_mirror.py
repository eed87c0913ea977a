"""A mirrored bucket on a real server: it is complete, it follows every change, and it says what it does not know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from app.errors import ConflictError, UnavailableError
from app.jetstream.bucket import Bucket
from app.jetstream.mirror import Mirror
from streams.subjects import HOOK_PAUSES_BUCKET
from tests.server.buckets import following, until
from tests.servers import NatsServer

BUCKET = HOOK_PAUSES_BUCKET  # any would do


class Text:
    """A mirror of numbers that are written as text, with all that it has told."""

    def __init__(self, client: Client) -> None:
        self.told: list[frozenset[str]] = []
        self.seen: list[dict[str, int]] = []
        self.decoded: list[str] = []
        self.mirror = Mirror(Bucket(lambda: client, BUCKET), self._decode, self._changed)

    def values(self) -> dict[str, int]:
        return {key: entry.value for key, entry in self.mirror.entries.items()}

    def _decode(self, key: str, value: bytes) -> int:
        self.decoded.append(key)
        return int(value)

    def _changed(self, keys: frozenset[str]) -> None:
        self.told.append(keys)
        self.seen.append(self.values())


async def test_the_keys_that_changed_are_told_when_the_mirror_has_changed(client: Client) -> None:
    text = Text(client)
    async with following(text.mirror) as mirror:
        await mirror.create("a", b"1")
        await mirror.put("b.c", b"2")
        await mirror.update("a", b"3", 1)
        await mirror.delete("b.c")
    assert text.told == [frozenset(), {"a"}, {"b.c"}, {"a"}, {"b.c"}]
    assert text.seen == [{}, {"a": 1}, {"a": 1, "b.c": 2}, {"a": 3, "b.c": 2}, {"a": 3}]


async def test_an_entry_has_its_revision_and_the_time_when_the_server_stored_it(client: Client) -> None:
    before = datetime.now(UTC).timestamp()
    text = Text(client)
    async with following(text.mirror) as mirror:
        assert await mirror.put("a", b"1") == 1
        assert await mirror.put("a", b"2") == 2
        entry = mirror.entries["a"]
    assert (entry.revision, entry.value) == (2, 2)
    assert before <= entry.stored <= datetime.now(UTC).timestamp()


async def test_nothing_is_known_before_the_whole_bucket_is_read(client: Client) -> None:
    text = Text(client)
    assert text.mirror.not_ready() == "the bucket ops-hook-pauses is not read yet"
    assert not text.mirror.is_gone("a")
    async with following(text.mirror) as mirror:
        assert mirror.not_ready() is None
        assert mirror.is_gone("a")


async def test_a_value_that_cannot_be_read_is_neither_there_nor_gone(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = await client.jetstream().key_value(BUCKET)
    await bucket.put("odd", b"nonsense")
    text = Text(client)
    async with following(text.mirror) as mirror:
        assert "odd" not in mirror.entries
        assert not mirror.is_gone("odd")
        assert not await mirror.confirm_gone("odd")
        await mirror.put("odd", b"7")
        assert text.values() == {"odd": 7}
        await bucket.put("odd", b"nonsense again")
        await until(lambda: text.values() == {})
        assert not mirror.is_gone("odd")
        await mirror.delete("odd")
        assert mirror.is_gone("odd")
    assert [record.getMessage().count("holds a value for odd") for record in caplog.records] == [1, 1]


async def test_what_the_bucket_holds_now_is_asked_of_the_server(client: Client) -> None:
    text = Text(client)
    async with following(text.mirror):
        pass
    bucket = await client.jetstream().key_value(BUCKET)
    await bucket.put("new", b"1")
    assert text.mirror.is_gone("new"), "the mirror is behind: nobody fills it any more"
    assert not await text.mirror.confirm_gone("new")
    await bucket.delete("new")
    assert await text.mirror.confirm_gone("new")
    assert await text.mirror.confirm_gone("never-there")
    await bucket.purge("new")
    assert await text.mirror.confirm_gone("new")


async def test_a_bucket_that_is_missing_leaves_the_question_open(client: Client) -> None:
    text = Text(client)
    await client.jetstream().delete_stream(f"KV_{BUCKET}")
    with pytest.raises(UnavailableError, match=BUCKET):
        await text.mirror.confirm_gone("a")
    with pytest.raises(UnavailableError, match=BUCKET):
        await text.mirror.put("a", b"1")


async def test_a_conflict_is_told_from_an_absence(client: Client, nats_server: NatsServer) -> None:
    text = Text(client)
    async with following(text.mirror) as mirror:
        await mirror.create("a", b"1")
        with pytest.raises(ConflictError):
            await mirror.create("a", b"2")
        with pytest.raises(ConflictError):
            await mirror.update("a", b"2", 7)
        await nats_server.stop()
        await until(lambda: not client.is_connected, 5)
        with pytest.raises(UnavailableError, match="not connected"):
            await mirror.put("a", b"2")
        with pytest.raises(UnavailableError, match="not connected"):
            await mirror.confirm_gone("a")


async def test_a_bucket_that_is_read_anew_is_decoded_only_where_it_changed(
    client: Client, nats_server: NatsServer
) -> None:
    text = Text(client)
    async with following(text.mirror) as mirror:
        for key in "abc":
            await mirror.put(key, b"1")
        text.told.clear()
        text.decoded.clear()
        await nats_server.kill()
        await nats_server.start()
        await until(lambda: client.is_connected, 10)
        bucket = await client.jetstream().key_value(BUCKET)
        await bucket.put("b", b"2")
        await until(lambda: text.values()["b"] == 2, 10)
        await until(lambda: mirror.not_ready() is None, 10)
    assert text.decoded == ["b"]
    assert text.told == [{"b"}]


async def test_a_bucket_that_was_made_anew_replaces_what_was_known(client: Client) -> None:
    text = Text(client)
    async with following(text.mirror) as mirror:
        await mirror.put("old", b"1")
        stream = f"KV_{BUCKET}"
        config: StreamConfig = (await client.jetstream().stream_info(stream)).config
        await client.jetstream().delete_stream(stream)
        await client.jetstream().add_stream(config)
        await (await client.jetstream().key_value(BUCKET)).put("new", b"2")
        await until(lambda: text.values() == {"new": 2}, 10)
        assert mirror.is_gone("old")
    assert text.told[-1] >= {"old"} or {"old"} in text.told
