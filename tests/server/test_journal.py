"""How far a watch has published, over processes and restarts, on a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client

from app.errors import TooLargeError, UnavailableError
from app.jetstream.ending import end
from app.jetstream.read import StreamReader
from app.sources.kubernetes import journal as room
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint, Checkpoints, key_of
from app.sources.kubernetes.journal import Journal
from tests.server.buckets import revisions, until
from tests.servers import NatsServer

BUCKET = "ops-checkpoints"
KEY = "prod.events"
SUBJECT = "ops.clusters.prod.namespaces.default.pods.web.events"
FILTERS = ("ops.clusters.prod.namespaces.*.*.*.events",)


def journal_on(client: Client) -> Journal:
    return Journal(Checkpoints(lambda: client), KEY, StreamReader(lambda: client), FILTERS, _raise)


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture(autouse=True)
def promptly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_KEEP_EVERY", 0.02)
    monkeypatch.setattr(room, "_PAUSE", 0.02)


@asynccontextmanager
async def keeping(journal: Journal) -> AsyncIterator[Journal]:
    task = asyncio.create_task(journal.keep())
    try:
        yield journal
    finally:
        await end((task,))


def storing(client: Client, event_id: str) -> Callable[[], Awaitable[object]]:
    async def store() -> None:
        await client.jetstream().publish(SUBJECT, b"{}", headers={"Nats-Msg-Id": event_id})

    return store


async def test_a_first_start_finds_nothing(client: Client) -> None:
    journal = journal_on(client)
    assert await journal.open() == NOTHING
    assert not journal.holds("anything")


async def test_the_next_process_goes_on_where_the_last_one_came_to(client: Client) -> None:
    first = journal_on(client)
    await first.open()
    await first.publish("uid", Checkpoint("7", 50.0), storing(client, "a"))
    first.reached("9")
    await first.close(10)
    assert await journal_on(client).open() == Checkpoint("9", 50.0)


async def test_of_two_replicas_the_one_that_is_behind_learns_how_far_the_other_is(client: Client) -> None:
    async with keeping(journal_on(client)) as ahead, keeping(journal_on(client)) as behind:
        await ahead.open()
        await behind.open()
        behind.reached("100", 1.0)
        ahead.reached("250", 2.0)
        await until(lambda: behind.checkpoint == Checkpoint("250", 2.0))
        behind.reached("120")
        await until(lambda: ahead.checkpoint.version == "250")
        held = await revisions(client.jetstream(), BUCKET, KEY)
    assert b'"250"' in held[-1]


async def test_a_checkpoint_is_written_only_when_it_has_moved(client: Client) -> None:
    async with keeping(journal_on(client)) as journal:
        await journal.open()
        journal.reached("5")
        await until(lambda: journal._found is not None)
        before = (await client.jetstream().stream_info(f"KV_{BUCKET}")).state.last_seq
        looked = journal._looked
        await until(lambda: journal._looked > looked + 0.1)
        assert (await client.jetstream().stream_info(f"KV_{BUCKET}")).state.last_seq == before


async def test_a_process_with_a_later_checkpoint_covers_what_this_one_is_told_late(client: Client) -> None:
    other = journal_on(client)
    await other.open()
    late = journal_on(client)
    await late.open()
    other.reached("300", 9.0)
    await other.close(10)
    late._looked = float("-inf")  # it has slept
    assert (await late.look()).covers("299")


async def test_what_a_dead_process_published_behind_its_checkpoint_is_remembered(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = journal_on(client)
    await first.open()
    first.reached("5")
    await first.close(10)
    await storing(client, "published, and not in the checkpoint")()
    later = time.time() + 3600  # the dedup window has passed
    monkeypatch.setattr("app.sources.kubernetes.journal.time.time", lambda: later)
    second = journal_on(client)
    await second.open()
    assert second.holds("published, and not in the checkpoint")
    assert not second.holds("another")


async def test_while_jetstream_is_away_a_change_is_published_again_and_again(client: Client) -> None:
    journal = journal_on(client)
    tries: list[int] = []

    async def publish() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise UnavailableError("away")

    await journal.publish("uid", Checkpoint("1"), publish)
    await until(lambda: journal.checkpoint.version == "1")
    assert len(tries) == 3


async def test_what_no_server_takes_is_told_and_holds_nothing_up(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    journal = journal_on(client)

    async def publish() -> None:
        raise TooLargeError("the event is 2 MiB long")

    await journal.publish("uid", Checkpoint("1"), publish)
    await until(lambda: journal.checkpoint.version == "1")
    assert "the event is 2 MiB long" in caplog.text


async def test_a_history_that_runs_backwards_is_another_one(client: Client) -> None:
    first = journal_on(client)
    await first.open()
    first.reached("900", 50.0)
    await first.close(10)
    async with keeping(journal_on(client)) as restored:
        before = await restored.open()
        restored.restart_if_behind("20", before)
        assert not restored.checkpoint.covers("15")
        assert restored.checkpoint.observed == 50.0
        restored.reached("20", 60.0)
        await until(lambda: restored._found is not None and restored._found.checkpoint == Checkpoint("20", 60.0))
        assert restored.checkpoint.covers("15")


async def test_a_list_that_is_as_old_as_the_checkpoint_or_newer_is_the_same_history(client: Client) -> None:
    journal = journal_on(client)
    await journal.open()
    journal.reached("900", 50.0)
    for version in ("900", "901"):
        journal.restart_if_behind(version, journal.checkpoint)
        assert journal.checkpoint == Checkpoint("900", 50.0)


async def test_a_server_that_is_away_is_told_to_who_opens_and_not_to_who_looks(
    client: Client, nats_server: NatsServer
) -> None:
    journal = journal_on(client)
    await journal.open()
    journal.reached("4")
    await nats_server.kill()
    with pytest.raises(UnavailableError):
        await journal.open()
    journal._looked = float("-inf")
    assert await journal.look() == Checkpoint("4")


@pytest.mark.parametrize("cluster", ["prod", "eu.west 1", "ü", "a*b>"])
async def test_any_cluster_has_a_key(client: Client, cluster: str) -> None:
    checkpoints = Checkpoints(lambda: client)
    key = key_of(cluster, "hosts", "ops-system")
    await checkpoints.write(key, Checkpoint("1"), None)
    found = await checkpoints.read(key)
    assert found is not None
    assert found.checkpoint == Checkpoint("1")


async def test_a_checkpoint_that_cannot_be_read_counts_as_none_and_is_overwritten(client: Client) -> None:
    bucket = await client.jetstream().key_value(BUCKET)
    await bucket.put(KEY, b"not ours")
    async with keeping(journal_on(client)) as journal:
        assert await journal.open() == NOTHING
        journal.reached("3")
        await until(lambda: journal._found is not None and journal._found.checkpoint == Checkpoint("3"))


async def test_a_checkpoint_that_somebody_deleted_is_written_anew(client: Client) -> None:
    checkpoints = Checkpoints(lambda: client)
    await checkpoints.write(KEY, Checkpoint("1"), None)
    await (await client.jetstream().key_value(BUCKET)).delete(KEY)
    assert await checkpoints.read(KEY) is None
    await checkpoints.write(KEY, Checkpoint("2"), None)
    found = await checkpoints.read(KEY)
    assert found is not None
    assert found.checkpoint == Checkpoint("2")
