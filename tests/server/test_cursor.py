"""A target's durable consumer on a real server: made, followed, asked, emptied, removed; and what it must not touch."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import time
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig
from nats.js.errors import APIError, NotFoundError

from app.delivery.backlog import cursor as cursor_module
from app.delivery.backlog.cursor import Cursor
from app.delivery.backlog.queues import OrderedQueue, ParkedQueue
from app.delivery.delivery import Received
from streams import consumers
from tests.server.delivering import KEY, named, owed, park, parked, publish, until_so

SINCE = datetime(2020, 1, 1, tzinfo=UTC)


async def wanted(_: str, __: Received) -> bool:
    return True


def of_parked(client: Client, key: str = KEY) -> Cursor:
    return Cursor(client, ParkedQueue(key, 1, wanted, lambda _: False))


@dataclasses.dataclass
class Hook:
    """An ordered hook, as it is now."""

    subject: str = "ops.a"
    ends: float = math.inf

    def config(self) -> ConsumerConfig:
        return consumers.ordered(KEY, self.subject, SINCE, 1)

    def cursor(self, client: Client) -> Cursor:
        return Cursor(client, OrderedQueue(KEY, self.config, lambda: self.ends, wanted))


async def take(cursor: Cursor, count: int) -> list[str]:
    """The events of so many messages, acknowledged."""
    found = []
    for _ in range(count):
        message = await cursor.one()
        assert message is not None
        found.append((message.headers or {})["Nats-Msg-Id"])
        await message.ack_sync()
    return found


async def events_in(client: Client, stream: str) -> int:
    return (await client.jetstream().stream_info(stream)).state.messages


async def test_a_consumer_is_made_and_found_by_the_next(client: Client) -> None:
    first, second = of_parked(client), of_parked(client)
    assert not first.is_prepared
    with pytest.raises(NotFoundError):
        await first.state()
    assert await first.prepare()
    assert first.is_prepared
    assert await second.prepare()

    state = await second.state()
    assert state.config.filter_subject == f"ops-parked.{KEY}"
    assert state.config.max_deliver == -1


async def test_processes_that_make_it_at_the_same_moment_share_it(client: Client) -> None:
    cursors = [of_parked(client) for _ in range(10)]
    assert await asyncio.gather(*(cursor.prepare() for cursor in cursors)) == [True] * 10
    assert len(await client.jetstream().consumers_info("ops-parked")) == 1


async def test_it_reads_what_was_parked_before_it_was_made_and_nothing_of_others(client: Client) -> None:
    await park(client, "one")
    await park(client, "others", key=f"{KEY}.more")
    cursor = of_parked(client)
    await cursor.prepare()
    message = await cursor.one()

    assert message is not None
    assert message.subject == f"ops-parked.{KEY}"
    assert (await cursor.state()).num_pending == 0


async def test_a_consumer_that_was_lost_is_made_anew_once_it_is_known_to_be(client: Client) -> None:
    cursor = of_parked(client)
    await cursor.prepare()
    await client.jetstream().delete_consumer("ops-parked", consumers.durable(KEY))
    with pytest.raises(ConnectionError):
        await cursor.one()
    cursor.forget()
    assert not cursor.is_prepared
    await cursor.prepare()
    await cursor.state()


async def test_it_follows_another_subject_and_keeps_its_place(client: Client) -> None:
    hook = Hook("ops.a")
    cursor = hook.cursor(client)
    await publish(client, "a1")
    await cursor.prepare()
    assert await take(cursor, 1) == ["a1"]
    await publish(client, "b1", subject="ops.b")
    hook.subject = "ops.*"
    assert not cursor.is_prepared
    await cursor.prepare()
    await publish(client, "a2")

    assert await take(cursor, 2) == ["b1", "a2"]
    assert (await cursor.state()).config.filter_subject == "ops.*"


async def test_while_the_subject_is_not_known_the_consumer_stays_as_it_is(client: Client) -> None:
    hook = Hook("ops.a")
    cursor = hook.cursor(client)
    await cursor.prepare()
    hook.subject = ""
    assert await cursor.prepare()
    assert not cursor.is_prepared, "nothing may flow"
    assert (await cursor.state()).config.filter_subject == "ops.a"


async def test_where_a_queue_has_ended_no_consumer_is_made_but_one_that_is_there_is_used(client: Client) -> None:
    hook = Hook(ends=time.time() - 1)
    assert await hook.cursor(client).prepare() is False
    with pytest.raises(NotFoundError):
        await hook.cursor(client).state()

    assert await Hook().cursor(client).prepare()
    assert await hook.cursor(client).prepare()


async def test_a_consumer_that_the_server_refuses_is_not_taken_for_made(client: Client) -> None:
    cursor = Cursor(client, ParkedQueue(KEY, 3, wanted, lambda _: False))  # three replicas, but one server
    with pytest.raises(APIError, match="replicas"):
        await cursor.prepare()
    assert not cursor.is_prepared


async def test_one_that_another_replica_made_differently_at_this_moment_is_used(client: Client) -> None:
    other = dataclasses.replace(Hook().config(), opt_start_time=datetime(2021, 1, 1, tzinfo=UTC))
    cursor = Hook().cursor(client)
    state, left = cursor.state, [other]

    async def not_there_yet() -> object:
        if left:
            await client.jetstream().add_consumer("ops", left.pop())
            raise NotFoundError
        return await state()

    cursor.state = not_there_yet  # type: ignore[method-assign, assignment]  # it is called, no more
    assert await cursor.prepare()
    assert cursor.is_prepared


async def test_one_message_is_waited_for_a_while(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor_module, "_WAIT", 0.1)
    cursor = of_parked(client)
    await cursor.prepare()
    assert await cursor.one() is None
    monkeypatch.setattr(cursor_module, "_WAIT", 5.0)
    waiting = asyncio.create_task(cursor.one())
    await park(client, "one")
    message = await asyncio.wait_for(waiting, 5)
    assert message is not None


async def test_what_nobody_took_of_a_pull_is_given_back(client: Client) -> None:
    cursor = of_parked(client)
    await park(client, *named(20))
    await cursor.prepare()
    async with cursor.pulling(1.0) as pull:
        first = await pull.batch()
    seen = len(first)
    async with asyncio.timeout(5), cursor.pulling(1.0) as pull:
        while seen < 20:
            seen += len(await pull.batch())
    assert seen == 20


async def test_a_consumer_is_removed_only_when_everything_is_settled(client: Client) -> None:
    cursor = of_parked(client)
    await park(client, "one", "two")
    await cursor.prepare()
    assert not await cursor.remove_if_done(), "both are pending"
    first, second = await cursor.one(), await cursor.one()
    assert first is not None
    assert second is not None
    await first.ack_sync()
    assert not await cursor.remove_if_done(), "the second is being worked on"
    await second.ack_sync()
    assert await cursor.remove_if_done()

    assert await owed(client) is None
    assert await parked(client) == 0
    assert not cursor.is_prepared


@pytest.mark.parametrize("last", [0, 2])
async def test_removing_it_takes_what_was_owed_up_to_a_message_and_only_of_its_target(
    client: Client, last: int
) -> None:
    cursor = of_parked(client)
    await park(client, "one", "two")
    assert await cursor.last() == 2
    await park(client, "three")
    await park(client, "others", key=f"{KEY}.more")
    await cursor.remove(last)

    assert await parked(client) == 3 - last
    assert await parked(client, f"{KEY}.more") == 1
    await cursor.remove(last)  # what is gone already is no error


async def test_what_is_settled_is_purged_now_and_then(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = of_parked(client)
    await park(client, *named(5))
    await park(client, "others", key=f"{KEY}.more")
    await cursor.prepare()
    await take(cursor, 3)
    await cursor.purge_now_and_then()
    assert await parked(client) == 5, "not yet"

    monkeypatch.setattr(cursor_module, "PURGE_EVERY", 0.0)
    await cursor.purge_now_and_then()
    assert await parked(client) == 2
    assert await parked(client, f"{KEY}.more") == 1


async def test_one_that_is_not_settled_keeps_all_behind_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor_module, "PURGE_EVERY", 0.0)
    cursor = of_parked(client)
    await park(client, *named(5))
    await cursor.prepare()
    await take(cursor, 1)
    assert await cursor.one() is not None  # and is kept
    await take(cursor, 3)
    await cursor.purge_now_and_then()
    assert await parked(client) == 4


@pytest.mark.parametrize("touch", ["purge_now_and_then", "remove_if_done", "remove", "delete"])
async def test_nothing_of_the_stream_ops_is_ever_removed(
    client: Client, monkeypatch: pytest.MonkeyPatch, touch: str
) -> None:
    monkeypatch.setattr(cursor_module, "PURGE_EVERY", 0.0)
    cursor = Hook("ops.>").cursor(client)
    await publish(client, *named(10))
    await cursor.prepare()
    await take(cursor, 10)

    async def all_is_settled() -> bool:
        return not (await cursor.state()).num_ack_pending

    await until_so(all_is_settled)
    await (cursor.remove(await cursor.last()) if touch == "remove" else getattr(cursor, touch)())
    assert await events_in(client, "ops") == 10
