"""Replays on a real server: what is copied, from where to where, and what may not be asked for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from nats.aio.client import Client

from app.delivery import records
from app.errors import ConflictError, InvalidResourceError, NotFoundError
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from tests.server.replaying import (
    Process,
    keep,
    messages,
    over,
    publish,
    sequences,
    unhurried,
)

TARGET = "hooks.default.one"
PARKED = f"ops-parked.{TARGET}"


async def test_a_replay_copies_what_the_hook_wants_and_leaves_the_rest(client: Client, here: Process) -> None:
    await keep(here, "ops.*", include=["wanted"])
    await publish(client, 30, "ops.a", "wanted")
    await publish(client, 30, "ops.a", "boring")
    await publish(client, 30, "ops.b.c", "wanted")
    await client.jetstream().publish("ops.a", b"no event, but wanted")
    replay = await here.replays.create("default", "one", {"from": {"sequence": 11}})
    assert (replay.state, replay.first, replay.last, replay.position, replay.total) == ("running", 11, 91, 10, 51)
    async with here.working(pace=unhurried):
        done = await over(here, replay)
    assert (done.state, done.position, done.error) == ("done", 91, None)
    assert (done.read, done.matched, done.copied) == (51, 20, 20)
    assert done.ended is not None
    assert sequences(await messages(client, "ops-parked", PARKED)) == list(range(11, 31))
    assert set(here.woken) == {TARGET}


async def test_a_copy_is_the_event_to_the_byte_and_says_which_replay_brought_it(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 1)
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}})
    async with here.working():
        await over(here, replay)
    original = await client.jetstream().get_msg("ops", 1)
    [(headers, payload)] = await messages(client, "ops-parked", PARKED)
    assert payload == original.data
    assert headers["Content-Type"] == cloudevent.CONTENT_TYPE
    assert headers["X-Own"] == "kept"
    assert headers["Nats-Msg-Id"] == f"{replay.id}-1"
    assert headers[records.REPLAY] == replay.id
    assert headers[records.SEQUENCE] == "1"
    assert headers[records.SUBJECT] == "ops.a"
    assert headers[records.EVENT] == "ops.a-event-0"
    assert float(headers[records.STORED]) == pytest.approx(time.time(), abs=60)
    assert headers.get(records.TRIES, "0") == "0"
    assert records.NOT_BEFORE not in headers


async def test_a_replay_begins_at_a_time_and_ends_at_one(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 5, text="before")
    await asyncio.sleep(0.01)  # so that the clock has moved on
    since = time.time()
    await publish(client, 5, text="between")
    await asyncio.sleep(0.01)
    until = time.time()
    await asyncio.sleep(0.01)
    await publish(client, 5, text="after")
    body = {"from": {"time": int(since * 1000)}, "until": {"time": int(until * 1000)}}
    replay = await here.replays.create("default", "one", body)
    assert (replay.first, replay.last, replay.total) == (6, 10, 5)
    async with here.working(pace=unhurried):
        await over(here, replay)
    assert sequences(await messages(client, "ops-parked", PARKED)) == [6, 7, 8, 9, 10]


async def test_a_replay_does_not_run_after_what_comes_in_meanwhile(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 5)
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}, "until": {"sequence": 1000}})
    await publish(client, 5, text="later")
    async with here.working(pace=unhurried):
        await over(here, replay)
    assert sequences(await messages(client, "ops-parked", PARKED)) == [1, 2, 3, 4, 5]


async def test_a_replay_of_a_time_in_which_nothing_was_is_done_at_once(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 5)
    await asyncio.sleep(0.01)  # so that the clock has moved on
    replay = await here.replays.create("default", "one", {"from": {"time": int(time.time() * 1000)}})
    assert replay.total == 0
    async with here.working():
        done = await over(here, replay)
    assert (done.state, done.read) == ("done", 0)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"from": {"sequence": 6}}, "from.sequence: is 6, but the newest event has the sequence 5"),
        ({"from": {"time": "2999-01-01T00:00:00Z"}}, "from.time: lies in the future"),
        ({"from": {"sequence": 3}, "until": {"sequence": 2}}, "until: lies before from"),
        (
            {"from": {"time": "2026-01-02T00:00:00Z"}, "until": {"time": "2026-01-01T00:00:00Z"}},
            "until: lies before from",
        ),
        ({"from": {"sequence": 3}, "until": {"time": 0}}, "until: lies before from"),
    ],
)
async def test_a_span_that_does_not_fit_the_stream_is_refused_by_field(
    client: Client, here: Process, body: dict[str, Any], problem: str
) -> None:
    await keep(here)
    await publish(client, 5)
    with pytest.raises(InvalidResourceError) as refusal:
        await here.replays.create("default", "one", body)
    assert str(refusal.value) == problem
    assert here.replays.list("default", "one") == []


async def test_a_replay_of_a_hook_that_is_not_there_is_refused(here: Process) -> None:
    with pytest.raises(NotFoundError):
        await here.replays.create("default", "one", {"from": {"sequence": 1}})
    with pytest.raises(NotFoundError):
        here.replays.list("default", "one")


async def test_one_replay_of_a_hook_runs_at_a_time(client: Client, here: Process) -> None:
    await keep(here)
    await publish(client, 5)
    first = await here.replays.create("default", "one", {"from": {"sequence": 1}})
    with pytest.raises(ConflictError, match=first.id):
        await here.replays.create("default", "one", {"from": {"sequence": 1}})
    await here.replays.stop("default", "one", first.id)
    second = await here.replays.create("default", "one", {"from": {"sequence": 1}})
    assert [one.id for one in here.replays.list("default", "one")] == [second.id, first.id]


async def test_an_event_that_is_too_large_to_be_copied_is_told_and_holds_up_no_other(
    client: Client, here: Process
) -> None:
    await keep(here)
    await publish(client, 1)
    room = client.max_payload - len("NATS/1.0\r\n\r\n")
    event = CloudEvent[Any](id="large", type="Default", subject="ops.a", data="")
    event = event.model_copy(update={"data": "x" * (room - len(cloudevent.encode(event)))})
    await client.jetstream().publish("ops.a", cloudevent.encode(event))
    await publish(client, 1, text="last")
    replay = await here.replays.create("default", "one", {"from": {"sequence": 1}})
    async with here.working():
        done = await over(here, replay)
    assert (done.state, done.matched, done.copied) == ("done", 3, 2)
    assert done.error is not None
    assert done.error.startswith("the message 2 was not copied")


async def test_replays_are_kept_for_seven_days_and_so_many(client: Client) -> None:
    info = await client.jetstream().stream_info("KV_ops-replays")
    assert (info.config.max_age, info.config.max_msgs, info.config.max_msgs_per_subject) == (7 * 86400, 10_000, 1)
