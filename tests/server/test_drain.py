"""What becomes of events whose attempt fails, on a real server: each is counted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

import pytest
from nats.aio.client import Client

from app.delivery import dispatch, lane, records, retry
from app.delivery.delivery import Delivery
from app.delivery.outcome import Answer, Busy, Delivered, Failure, Gone, Impossible, Outcome, Refused, TryLater
from app.delivery.park import debt_of, text
from app.jetstream.ending import end
from tests.server.delivering import (
    KEY,
    OTHER,
    Endpoint,
    Hooks,
    Process,
    hasten,
    letters,
    named,
    newest_parked,
    owed,
    parked,
    process,
    publish,
    unsettled,
    until,
    until_so,
)
from tests.server.replaying import messages

DOWN = TryLater("no connection")
BROKEN = TryLater("the endpoint answered 500", answer=Answer(500, b"boom"))
PARKED, LETTERS = f"ops-parked.{KEY}", f"ops-dead-letters.{KEY}"


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


def failing(event: str, outcome: Outcome) -> Callable[[Delivery], Outcome]:
    """Answers to one event so, and takes the others."""
    return lambda sent: outcome if sent.received.event.id == event else Delivered()


@contextlib.asynccontextmanager
async def others_are_taken(client: Client) -> AsyncIterator[None]:
    """Events come in all the while, so that the target takes something between any two tries."""

    async def publish_on() -> None:
        for number in itertools.count():
            await publish(client, f"good{number}")
            await asyncio.sleep(0.01)

    task = asyncio.create_task(publish_on())
    try:
        yield
    finally:
        await end((task,))


async def until_letters(client: Client, count: int = 1) -> list[tuple[dict[str, str], bytes]]:
    async def there() -> bool:
        return await letters(client) >= count

    await until_so(there)
    return await messages(client, "ops-dead-letters", LETTERS)


async def nothing_is_owed(client: Client) -> None:
    async def so() -> bool:
        return not await owed(client) and not await unsettled(client)

    await until_so(so)


async def test_what_a_target_that_is_down_missed_it_gets_at_its_return_and_then_all_goes_straight(
    client: Client, here: Process, endpoint: Endpoint
) -> None:
    the_breaker = here.service.lanes[KEY].breaker
    states: list[str] = []

    def down(_: Delivery) -> Outcome:
        states.append(the_breaker.state)
        return DOWN

    endpoint.answer = down
    missed = await publish(client, *named(100))

    async def all_are_parked() -> bool:
        return await parked(client) == len(missed) and not await unsettled(client)

    await until_so(all_are_parked)
    await endpoint.until_attempts(len(endpoint.attempts) + 5)
    assert the_breaker.state != "closed"
    assert states[:2] == ["closed", "closed"]
    assert states.count("closed") <= lane.IN_FLIGHT
    assert set(states[states.count("closed") :]) == {"probing"}, "nothing is attempted but probes"

    endpoint.answer = lambda _: Delivered()
    await endpoint.until_taken(missed)
    await nothing_is_owed(client)
    assert sorted(endpoint.taken()) == sorted(missed)
    assert await letters(client) == 0

    last = await newest_parked(client)
    later = await publish(client, *named(50, "later"))
    await endpoint.until_taken(later)
    await nothing_is_owed(client)
    assert sorted(endpoint.taken()) == sorted([*missed, *later])
    assert await newest_parked(client) == last, "nothing more is parked"


async def test_repeats_carry_the_same_delivery_id(client: Client, here: Process, endpoint: Endpoint) -> None:
    endpoint.answer = lambda sent: DOWN if sent.attempts < 3 else Delivered()
    events = await publish(client, *named(10))
    await endpoint.until_taken(events)

    for event in events:
        assert len({one.delivery.id for one in endpoint.attempts_at(event)}) == 1
    assert len({one.delivery.id for one in endpoint.attempts}) == len(events)


async def test_a_message_at_fault_is_a_dead_letter_after_its_tries_and_the_others_are_taken(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE", (0.03, 0.04, 0.05))
    endpoint.answer = failing("bad", BROKEN)
    await publish(client, "good")
    async with others_are_taken(client):
        await publish(client, "bad")
        ((headers, payload),) = await until_letters(client)
    await nothing_is_owed(client)

    attempts = endpoint.attempts_at("bad")
    assert text(headers, records.REASON) == "given up after 4 tries: the endpoint answered 500"
    assert debt_of(headers).tries == 4
    assert debt_of(headers).attempts == len(attempts) >= 5
    assert [one.number for one in attempts] == list(range(len(attempts)))
    assert headers[records.DELIVERY] == attempts[0].delivery.id
    assert (headers[records.EVENT], headers[records.SUBJECT], headers[records.STATUS]) == ("bad", "ops.a", "500")
    assert text(headers, records.URL) == "http://user:***@x/"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert payload == attempts[0].delivery.received.payload
    assert len(endpoint.taken()) == len(set(endpoint.taken())), "none came twice"


async def test_tries_are_counted_on_by_the_next_process(
    client: Client, hooks: Hooks, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE", (0.03,) * 6)
    endpoint.answer = failing("bad", BROKEN)
    async with others_are_taken(client):
        async with process(client, hooks, endpoint):
            await publish(client, "bad")
            await until(lambda: len(endpoint.attempts_at("bad")) >= 4)
        async with process(client, hooks, endpoint):
            ((headers, _),) = await until_letters(client)

    assert debt_of(headers).tries == 7
    attempts = endpoint.attempts_at("bad")
    # One attempt that was under way at the end may be made again.
    assert debt_of(headers).attempts <= len(attempts) <= debt_of(headers).attempts + 1
    assert max(one.number for one in attempts) == debt_of(headers).attempts - 1


async def test_a_message_that_is_refused_has_few_tries(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "REFUSED", (0.02, 0.03, 0.04))
    endpoint.answer = failing("bad", Refused("the endpoint answered 422", Answer(422)))
    await publish(client, "good", "bad", "fine")
    ((headers, _),) = await until_letters(client)
    await endpoint.until_taken(["good", "fine"])
    await nothing_is_owed(client)

    assert text(headers, records.REASON) == "given up after 4 tries: the endpoint answered 422"
    assert len(endpoint.attempts_at("bad")) == 4
    assert sorted(endpoint.taken()) == ["fine", "good"]


async def test_what_no_attempt_can_do_is_a_dead_letter_at_once(
    client: Client, here: Process, endpoint: Endpoint
) -> None:
    endpoint.answer = failing("bad", Impossible("it goes round in a loop"))
    await publish(client, "bad", "good")
    ((headers, _),) = await until_letters(client)
    await endpoint.until_taken(["good"])
    await nothing_is_owed(client)

    assert text(headers, records.REASON) == "it goes round in a loop"
    assert len(endpoint.attempts_at("bad")) == 1
    assert await newest_parked(client) == 0


@pytest.mark.parametrize(("asked", "longest"), [(0.4, 3600.0), (1e9, 0.4)], ids=["as asked", "bounded"])
async def test_who_asks_for_rest_gets_it(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, asked: float, longest: float
) -> None:
    monkeypatch.setattr(retry, "LONGEST", longest)
    monkeypatch.setattr(retry, "SCHEDULE", (0.01,))
    endpoint.answer = lambda _: Delivered() if endpoint.attempts else Busy("the endpoint answered 429", asked)
    await publish(client, "first")
    await endpoint.until_attempts(1)
    others = await publish(client, *named(20))
    await endpoint.until_taken(["first", *others])
    await nothing_is_owed(client)

    first = endpoint.attempts[0]
    assert all(one.at - first.at >= 0.39 for one in endpoint.attempts[1:])
    assert sorted(endpoint.taken()) == sorted(["first", *others])


async def test_a_target_that_wants_nothing_any_more_is_stopped_and_its_events_wait(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint
) -> None:
    endpoint.answer = lambda _: Gone("the endpoint answered 410")
    await publish(client, "first")
    await until(lambda: bool(hooks.stopped))
    others = await publish(client, *named(10))

    async def all_are_parked() -> bool:
        return await parked(client) == 11 and not await unsettled(client)

    await until_so(all_are_parked)
    assert hooks.stopped == [(KEY, "the endpoint answered 410")]
    assert len(endpoint.attempts) == 1

    endpoint.answer = lambda _: Delivered()
    hooks.resume()
    await endpoint.until_taken(["first", *others])
    await nothing_is_owed(client)
    assert sorted(endpoint.taken()) == sorted(["first", *others])


async def test_a_paused_target_gets_nothing_until_it_is_resumed(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint
) -> None:
    hooks.pause()
    events = await publish(client, *named(50))

    async def all_are_parked() -> bool:
        return await parked(client) == len(events) and not await unsettled(client)

    await until_so(all_are_parked)
    assert endpoint.attempts == []
    hooks.resume()
    await endpoint.until_taken(events)
    await nothing_is_owed(client)
    assert sorted(endpoint.taken()) == sorted(events)


async def test_a_backlog_rests_in_the_middle_when_its_target_is_paused(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint
) -> None:
    hooks.pause()
    events = await publish(client, *named(300))

    async def all_are_parked() -> bool:
        return not await unsettled(client)

    await until_so(all_are_parked)
    endpoint.open.clear()
    hooks.resume()
    await until(lambda: endpoint.inside == lane.IN_FLIGHT)
    hooks.pause()
    endpoint.open.set()

    async def it_rests() -> bool:
        return endpoint.inside == 0 and here.service.lanes[KEY].queued == 0 and len(here.service.settlement) == 0

    await until_so(it_rests)
    assert len(endpoint.attempts) == lane.IN_FLIGHT
    hooks.resume()
    await endpoint.until_taken(events)
    await nothing_is_owed(client)
    assert sorted(endpoint.taken()) == sorted(events)


async def test_a_target_that_never_answers_holds_up_no_other_and_has_its_queue_parked(
    client: Client, endpoint: Endpoint
) -> None:
    hanging = Endpoint()
    hanging.open.clear()

    class Both:
        async def send(self, delivery: Delivery) -> Outcome:
            return await (hanging if delivery.target.key == OTHER else endpoint).send(delivery)

    async with process(client, Hooks(KEY, OTHER), Both()):
        events = await publish(client, *named(200))
        await endpoint.until_taken(events)

        async def its_queue_is_parked() -> bool:
            waits = len(events) - lane.IN_FLIGHT  # what it was sent is not given up
            return await parked(client, OTHER) == waits and await unsettled(client) == lane.IN_FLIGHT

        await until_so(its_queue_is_parked)
        assert hanging.inside == lane.IN_FLIGHT
        hanging.open.set()
        await hanging.until_taken(events, OTHER)
    assert sorted(endpoint.taken()) == sorted(hanging.taken(OTHER)) == sorted(events)


async def test_what_cannot_be_parked_stays_in_the_stream_and_comes_again(
    client: Client, here: Process, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_RETURNS", (0.05,))
    endpoint.answer = lambda _: DOWN
    here.away = True
    events = await publish(client, *named(20))
    await endpoint.until_attempts(2)
    assert (await newest_parked(client), await unsettled(client)) == (0, len(events))

    here.away = False
    endpoint.answer = lambda _: Delivered()
    await endpoint.until_taken(events)
    await nothing_is_owed(client)
    assert set(endpoint.taken()) == set(events)


@pytest.mark.parametrize("outcome", [BROKEN, Impossible("a loop")])
async def test_a_parked_event_that_cannot_be_written_down_anew_stays_where_it_is(
    client: Client, here: Process, hooks: Hooks, endpoint: Endpoint, outcome: Failure
) -> None:
    hooks.pause()
    await publish(client, "bad")

    async def it_is_parked() -> bool:
        return await parked(client) == 1

    await until_so(it_is_parked)
    endpoint.answer = failing("bad", outcome)
    here.away = True
    hooks.resume()
    await endpoint.until_attempts(2)
    assert await parked(client) == 1

    here.away = False
    endpoint.answer = lambda _: Delivered()
    await endpoint.until_taken(["bad"])
    await nothing_is_owed(client)


@pytest.mark.parametrize(
    ("verdict", "taken"), [(True, ["sure", "unsure"]), (None, ["sure", "unsure"]), (False, ["sure"])]
)
async def test_an_undecided_event_is_parked_and_asked_about_again(
    client: Client,
    here: Process,
    hooks: Hooks,
    endpoint: Endpoint,
    verdict: bool | None,  # noqa: FBT001 -- a verdict
    taken: list[str],
) -> None:
    hooks.undecided.add("unsure")
    hooks.verdict = verdict
    await publish(client, "sure", "unsure")
    await endpoint.until_taken(taken)
    await nothing_is_owed(client)

    ((headers, _),) = await messages(client, "ops-parked", PARKED)
    assert (headers[records.EVENT], headers[records.UNDECIDED]) == ("unsure", "1")
    assert sorted(endpoint.taken()) == taken
