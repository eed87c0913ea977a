"""How long what is owed lives, and who works it off, on a real server: every event is counted."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.js.errors import APIError

from app.delivery import records
from app.delivery.backlog import cursor, drain, drains
from app.delivery.backlog.cursor import Cursor
from app.delivery.breaker import State
from app.delivery.delivery import Delivery
from app.delivery.outcome import Busy, Delivered, Outcome, TryLater
from app.delivery.park import text
from app.delivery.retry import Debt
from tests.server.delivering import (
    KEY,
    Endpoint,
    Hooks,
    Process,
    hasten,
    letters,
    named,
    newest_parked,
    owed,
    park,
    parked,
    process,
    publish,
    unsettled,
    until,
    until_so,
)
from tests.server.replaying import messages

DOWN = TryLater("no connection")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch.setattr)


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def here(client: Client, hooks: Hooks, endpoint: Endpoint) -> AsyncIterator[Process]:
    async with process(client, hooks, endpoint) as one:
        yield one


async def until_parked(client: Client, count: int) -> None:
    async def there() -> bool:
        return await parked(client) == count

    await until_so(there)


async def until_owed(client: Client, count: int | None) -> None:
    """Until the target's consumer owes so many; None: until there is none."""

    async def so() -> bool:
        return await owed(client) == count

    await until_so(so)


async def test_what_is_owed_to_a_hook_that_is_gone_is_purged_and_its_consumer_removed(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint
) -> None:
    hooks.pause()
    await park(client, *named(20))
    await until_owed(client, 20)
    hooks.delete()
    await until_parked(client, 0)
    await until_owed(client, None)
    await until(lambda: not here.service.drains._tasks)
    assert endpoint.attempts == []

    await park(client, "late")  # by a process that does not know yet
    await until_parked(client, 0)
    assert await newest_parked(client) == 21


async def test_a_probe_under_way_is_settled_though_its_hook_is_gone(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint
) -> None:
    here.service.lanes[KEY].breaker.open()
    endpoint.open.clear()
    await park(client, "one")
    await until(lambda: endpoint.inside > 0)
    hooks.delete()
    await until_parked(client, 0)
    endpoint.open.set()
    await until(lambda: not here.service.drains._tasks)

    assert len(here.service.settlement) == 0


async def test_what_is_parked_for_a_new_hook_of_the_same_name_is_not_purged_with_the_old_one(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint
) -> None:
    async def confirmed_just_before_it_is_made_anew(_: str) -> bool:
        await park(client, "new")
        return True

    hooks.pause()
    await park(client, "old")
    await until_owed(client, 1)
    old = hooks.known[KEY]
    hooks.confirmed = confirmed_just_before_it_is_made_anew
    hooks.delete()
    await until(lambda: not here.service.drains._tasks)
    hooks.known[KEY] = old
    hooks.gone.clear()
    hooks.resume()
    await endpoint.until_taken(["new"])

    assert endpoint.taken() == ["new"]


@pytest.mark.parametrize("mirror_says_gone", [True, False], ids=["not known yet", "unreadable"])
async def test_a_hook_that_is_not_gone_for_certain_keeps_what_it_is_owed(
    client: Client,
    here: Process,
    hooks: Hooks,
    endpoint: Endpoint,
    mirror_says_gone: bool,  # noqa: FBT001 -- a case
) -> None:
    asked = asyncio.Event()

    async def not_confirmed(_: str) -> bool:
        asked.set()
        return False

    known = hooks.known.pop(KEY)
    hooks.confirmed = not_confirmed
    if mirror_says_gone:
        hooks.gone.add(KEY)
    await park(client, *named(5))
    await until_owed(client, 5)
    assert asked.is_set() == mirror_says_gone
    assert endpoint.attempts == []

    hooks.known[KEY] = known
    hooks.gone.clear()
    hooks.tell(KEY)
    await endpoint.until_taken(named(5))


async def test_the_consumer_goes_when_long_empty_and_is_made_anew_for_the_next_event(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LINGER", 0.05)
    for event in ("one", "another"):
        endpoint.answer = lambda sent: Delivered() if sent.attempts else DOWN
        await publish(client, event)
        await endpoint.until_taken([event])
        await until_owed(client, None)
        await until(lambda: not here.service.drains._tasks)
        assert await parked(client) == 0

    assert endpoint.taken() == ["one", "another"]


@pytest.mark.parametrize("moment", ["before the consumer goes", "after it went"])
async def test_what_is_parked_in_the_moment_in_which_the_consumer_goes_is_delivered(
    client: Client,
    here: Process,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    delete, left = Cursor.delete, ["late"]

    async def delete_and_park(self: Cursor) -> None:
        late = [left.pop()] if left else []
        if moment.startswith("before"):
            await park(client, *late)
        await delete(self)
        if moment.startswith("after"):
            await park(client, *late)

    monkeypatch.setattr(Cursor, "delete", delete_and_park)
    monkeypatch.setattr(drain, "LINGER", 0.05)
    await park(client, "early")
    await endpoint.until_taken(["early", "late"])
    await until_owed(client, None)
    assert await parked(client) == 0


async def test_a_message_that_another_process_settled_does_not_keep_the_consumer(
    client: Client, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LINGER", 0.05)
    failing, taking = Endpoint(), Endpoint()
    async with process(client, hooks, failing) as one:
        breaker = one.service.lanes[KEY].breaker

        def fail_and_rest(_: Delivery) -> Outcome:
            breaker.open(1000.0)
            return DOWN

        failing.answer = fail_and_rest
        await park(client, "bad")
        await failing.until_attempts(1)
        async with process(client, hooks, taking):
            await taking.until_taken(["bad"])
            await until_owed(client, None)
        breaker.close()
        hooks.tell(KEY)
        await until(lambda: not one.service.drains._tasks)
    await until_owed(client, None)


async def test_what_is_settled_is_purged_and_nothing_else(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "PURGE_EVERY", 0.0)
    events = named(50)
    await park(client, *events)
    await park(client, "waits", debt=Debt(tries=1, failed=time.time(), not_before=time.time() + 1000))
    await park(client, "elsewhere", key="hooks.ns.nobody")
    await publish(client, "in-ops", subject="ops.unwanted")
    await endpoint.until_taken(events)
    await until_parked(client, 1)

    ((headers, _),) = await messages(client, "ops-parked", f"ops-parked.{KEY}")
    assert headers[records.EVENT] == "waits"
    assert await parked(client, "hooks.ns.nobody") == 1
    assert (await client.jetstream().stream_info("ops")).state.messages == 1


@pytest.mark.parametrize("why", ["paused", "down", "resting", "unreadable"])
async def test_what_waits_too_long_is_a_dead_letter_before_the_stream_drops_it(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(drain, "EXPIRES", 0.2)
    monkeypatch.setattr(drain, "LOOK", 0.05)
    monkeypatch.setattr(cursor, "_WAIT", 0.05)
    if why == "paused":
        hooks.pause()
    elif why == "unreadable":
        hooks.known.pop(KEY)
    else:
        endpoint.answer = lambda _: Busy("busy", 1000.0) if why == "resting" else DOWN
        here.service.lanes[KEY].breaker.open(1000.0 if why == "resting" else 0.0)
    await park(client, *named(20))

    async def all_are_letters() -> bool:
        return await letters(client) == 20

    await until_so(all_are_letters)
    await until_owed(client, 0)
    found = await messages(client, "ops-dead-letters", f"ops-dead-letters.{KEY}")
    assert sorted(headers[records.EVENT] for headers, _ in found) == sorted(named(20))
    assert {text(headers, records.REASON) for headers, _ in found} == {"it could not be delivered within 23 hours"}
    assert endpoint.taken() == []


async def test_what_does_not_wait_long_is_not_given_up(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LOOK", 0.02)
    monkeypatch.setattr(cursor, "_WAIT", 0.02)
    looks = 0
    bury = drain.Drain._bury_what_expires

    async def counted(self: drain.Drain) -> None:
        nonlocal looks
        await bury(self)
        looks += 1

    monkeypatch.setattr(drain.Drain, "_bury_what_expires", counted)
    hooks.pause()
    await park(client, *named(5))
    await until(lambda: looks > 3)
    hooks.resume()
    await endpoint.until_taken(named(5))
    assert await letters(client) == 0


async def test_two_processes_share_a_backlog_and_deliver_each_event_once(client: Client, hooks: Hooks) -> None:
    one, other = Endpoint(), Endpoint()
    hooks.pause()
    async with process(client, hooks, one) as here, process(client, hooks, other) as there:
        events = await publish(client, *named(1000))

        async def all_are_parked() -> bool:
            return await owed(client) == len(events) and not await unsettled(client)

        await until_so(all_are_parked)
        hooks.resume()
        await until(lambda: len(one.attempts) + len(other.attempts) >= len(events))
        await until_owed(client, 0)
        assert one.taken()
        assert other.taken()
        assert sorted(one.taken() + other.taken()) == sorted(events)

        await until(lambda: not any(process.service.lanes[KEY].behind for process in (here, there)))
        last = await newest_parked(client)
        await publish(client, *named(50, "later"))
        await until(lambda: len(one.attempts) + len(other.attempts) >= len(events) + 50)
        assert await newest_parked(client) == last, "both send straight again"


async def test_a_process_that_ends_in_the_middle_hands_over_at_once(client: Client, hooks: Hooks) -> None:
    slow, quick = Endpoint(), Endpoint()
    slow.open.clear()
    await park(client, *named(500))
    async with process(client, hooks, slow) as ending:
        await until(lambda: slow.inside > 0)
        async with process(client, hooks, quick):
            stopping = asyncio.create_task(ending.service.stop(0.05))
            await quick.until_taken(named(500))
            await stopping
            await until_owed(client, 0)
    assert sorted(quick.taken()) == sorted(named(500))
    assert slow.taken() == []


async def test_a_process_that_stops_begins_with_nothing_more(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.service.drains.stop()
    await park(client, "one")
    here.service.drains.wake(KEY)
    await here.service.drains._look()
    assert not here.service.drains._tasks
    assert endpoint.attempts == []
    monkeypatch.undo()


@pytest.mark.parametrize("state", ["closed", "open"])
async def test_a_process_without_drains_sends_straight_again_when_nothing_waits(
    client: Client, hooks: Hooks, state: State
) -> None:
    working, matching = Endpoint(), Endpoint()
    async with (
        process(client, hooks, working, matches=False),
        process(client, hooks, matching, drains=False) as one,
    ):
        lane = one.service.lanes[KEY]
        lane.fall_behind()
        if state == "open":
            lane.breaker.open()
        # One comes again by its own schedule, in hours: it holds up nobody.
        await park(client, "waits", debt=Debt(tries=5, failed=time.time(), not_before=time.time() + 1000))
        await publish(client, "first")
        await until(lambda: "first" in working.taken() + matching.taken())
        await until(lambda: lane.breaker.closed and not lane.behind)
        later = await publish(client, *named(10))
        await matching.until_taken(later)


async def test_a_process_without_drains_leaves_a_target_its_rest_and_its_place_in_the_queue(
    client: Client, hooks: Hooks, endpoint: Endpoint
) -> None:
    async with process(client, hooks, endpoint, drains=False) as one:
        resting, behind = one.service.lanes["hooks.ns.resting"], one.service.lanes[KEY]
        resting.breaker.failed(1000.0)
        behind.fall_behind()
        await park(client, "waits")
        healthy = one.service.lanes["hooks.ns.healthy"]
        healthy.fall_behind()
        await until(lambda: not healthy.behind)
        assert behind.behind
        assert resting.breaker.state == "open"


async def test_events_go_straight_past_one_that_comes_again_by_its_own_schedule(
    client: Client, here: Process, endpoint: Endpoint
) -> None:
    await park(client, "waits", debt=Debt(tries=5, failed=time.time(), not_before=time.time() + 1000))
    await until_owed(client, 1)
    events = await publish(client, *named(20))
    await endpoint.until_taken(events)

    assert await newest_parked(client) == 1
    assert dataclasses.replace(here.service.lanes[KEY].tally, delivered=0) == type(here.service.lanes[KEY].tally)()


async def test_a_consumer_that_the_server_refuses_is_told_of_once_and_asked_for_again(
    client: Client,
    here: Process,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    prepare, tries = Cursor.prepare, list[int]()

    async def refused_at_first(self: Cursor) -> bool:
        tries.append(1)
        if len(tries) < 4:
            raise APIError(code=400, err_code=10026, description="maximum consumers limit reached")
        return await prepare(self)

    monkeypatch.setattr(Cursor, "prepare", refused_at_first)
    await park(client, "one")
    await endpoint.until_taken(["one"])

    told = [record.getMessage() for record in caplog.records if "maximum consumers" in record.getMessage()]
    assert len(told) == 1


async def test_an_ordered_hook_has_its_consumer_as_soon_as_it_is_known(
    client: Client, here: Process, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "LOOK_EVERY", 1000.0)
    await asyncio.sleep(0)
    asked = list[str]()
    hooks.ordered["hooks.ns.new"] = "ops.a"
    monkeypatch.setattr(here.service.drains, "_ensure", lambda stream, key: asked.append(f"{stream} {key}"))
    hooks.tell("hooks.ns.new")
    assert asked == ["ops hooks.ns.new"]
