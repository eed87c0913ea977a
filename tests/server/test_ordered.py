"""Ordered hooks on a real server: one event at a time, in the stream's order, over replicas and changes of the hook."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from app.delivery import lane, records, retry
from app.delivery.backlog import drain, drains
from app.delivery.delivery import Delivery
from app.delivery.outcome import Busy, Delivered, Outcome, Refused, TryLater
from app.hooks import targets
from app.jetstream.ending import end
from streams import consumers
from tests.server.delivering import Endpoint, hasten, named, newest_parked, publish, unsettled, until, until_so
from tests.server.replaying import messages
from tests.server.replicas import Replica, replica

KEY = "hooks.ns.one"
DURABLE = consumers.durable(f"ordered_{KEY}")
DOWN = TryLater("no connection")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch.setattr)
    monkeypatch.setattr(retry, "SCHEDULE", (0.01,) * 7)
    monkeypatch.setattr(drains, "SELDOM", 0.1)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def here(client: Client, endpoint: Endpoint) -> AsyncIterator[Replica]:
    async with replica(client, endpoint) as one:
        yield one


async def consumer_is_there(client: Client) -> bool:
    try:
        await client.jetstream().consumer_info("ops", DURABLE)
    except NotFoundError:
        return False
    return True


async def until_consumer(client: Client, *, there: bool) -> None:
    async def so() -> bool:
        return await consumer_is_there(client) == there

    await until_so(so)


async def until_matched(client: Client) -> None:
    async def so() -> bool:
        return not await unsettled(client)

    await until_so(so)


async def test_events_come_one_at_a_time_and_in_order_whoever_sends_them_and_whatever_fails(client: Client) -> None:
    chance = random.Random(7)  # noqa: S311 -- a script, no secret

    def fails_often(_: Delivery) -> Outcome:
        outcomes: list[Outcome] = [Delivered(), Delivered(), DOWN, Busy("busy"), Busy("busy", 0.01)]
        return chance.choice(outcomes)

    endpoint = Endpoint(fails_often)  # of both replicas
    async with replica(client, endpoint) as one, replica(client, endpoint):
        await one.keep()
        events = await publish(client, *named(60))
        await endpoint.until_taken(events)

    assert endpoint.taken() == events
    assert endpoint.most == 1
    assert [event for event, _ in itertools.groupby(one.event for one in endpoint.attempts)] == events
    assert await newest_parked(client) == 0


async def test_a_replica_that_ends_leaves_the_order_to_the_other(client: Client) -> None:
    hanging, other = Endpoint(), Endpoint()
    async with replica(client, hanging) as one:
        await one.keep()
        await publish(client, "first")
        await hanging.until_taken(["first"])
        hanging.open.clear()
        events = await publish(client, *named(30))
        await until(lambda: hanging.inside == 1)
        async with replica(client, other):
            assert other.attempts == [], "nothing is sent beside what is under way"
            await one.delivery.stop(0.05)
            await other.until_taken(events)
    assert (hanging.taken(), other.taken()) == (["first"], events)


async def test_a_message_that_is_refused_is_a_dead_letter_and_the_next_one_follows(
    client: Client, here: Replica, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "REFUSED", (0.01,) * 3)
    endpoint.answer = lambda sent: Refused("no") if sent.received.event.id == "bad" else Delivered()
    await here.keep()
    await publish(client, "before", "bad", "behind")
    await endpoint.until_taken(["behind"])

    assert [one.event for one in endpoint.attempts] == ["before", *["bad"] * 4, "behind"]
    ((headers, _),) = await messages(client, "ops-dead-letters", f"ops-dead-letters.{KEY}")
    assert (headers[records.EVENT], headers[records.TRIES]) == ("bad", "4")


async def test_it_gets_what_it_wants_and_no_more(client: Client, here: Replica, endpoint: Endpoint) -> None:
    await here.keep("ops.*", include=['"n":"wanted"'])
    for event, subject in (("boring", "ops.a"), ("elsewhere", "ops.a.b")):
        await publish(client, event, subject=subject)
    payload = b'{"specversion":"1.0","id":"w","source":"/s","type":"Default","subject":"ops.b","data":{"n":"wanted"}}'
    await client.jetstream().publish("ops.b", payload, headers={"Content-Type": "application/cloudevents+json"})
    await endpoint.until_taken(["w"])

    assert endpoint.taken() == ["w"]


async def test_a_change_of_the_subject_is_followed(client: Client, here: Replica, endpoint: Endpoint) -> None:
    await here.keep("ops.a")
    await publish(client, "b1", subject="ops.b")
    await publish(client, "a1", subject="ops.a")
    await endpoint.until_taken(["a1"])
    await here.keep("ops.b")

    async def followed() -> bool:
        found = await client.jetstream().consumer_info("ops", DURABLE)
        return bool(found.config.filter_subject == "ops.b")

    await until_so(followed)
    await publish(client, "a2", subject="ops.a")
    await publish(client, "b2", "b3", subject="ops.b")
    await endpoint.until_taken(["b3"])

    assert endpoint.taken() == ["a1", "b2", "b3"]


async def test_what_waits_for_a_paused_hook_comes_in_order_when_it_is_resumed(
    client: Client, here: Replica, endpoint: Endpoint
) -> None:
    await here.keep()
    await publish(client, "first")
    await endpoint.until_taken(["first"])
    await here.hooks.switch.pause("ns", "one", "a rest")
    events = await publish(client, *named(20))
    await until_matched(client)
    assert endpoint.taken() == ["first"]
    await here.hooks.switch.resume("ns", "one")
    await endpoint.until_taken(events)

    assert endpoint.taken() == ["first", *events]


async def test_a_hook_that_begins_to_be_ordered_misses_nothing(
    client: Client, here: Replica, endpoint: Endpoint
) -> None:
    await here.keep(ordered=False)
    published = asyncio.create_task(publish(client, *named(150)))
    await endpoint.until_taken(["e20"])
    await here.keep(ordered=True)
    events = await published
    await endpoint.until_taken(events)
    # Those of the moment of the change may come both ways, with the same id.
    assert len({one.delivery.id for one in endpoint.attempts}) == len(events)

    later = await publish(client, *named(20, "later"))
    await endpoint.until_taken(later)
    assert endpoint.taken()[-20:] == later
    assert await consumer_is_there(client)


async def test_a_hook_that_is_ordered_no_more_misses_nothing_and_its_consumer_goes(
    client: Client, here: Replica, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "OVERLAP", 0.2)
    monkeypatch.setattr(drain, "LINGER", 0.1)
    await here.keep(ordered=True)
    endpoint.answer = lambda _: DOWN
    missed = await publish(client, *named(10, "missed"))
    await endpoint.until_attempts(3)
    await here.keep(ordered=False)
    beside = await publish(client, *named(10, "beside"))
    endpoint.answer = lambda _: Delivered()
    await endpoint.until_taken([*missed, *beside])
    await until_consumer(client, there=False)
    later = await publish(client, *named(10, "later"))
    await endpoint.until_taken(later)
    await until_matched(client)

    taken = endpoint.taken()
    assert [event for event in taken if event in missed] == missed, "what came in order goes in order"
    assert [taken.count(event) for event in later] == [1] * 10
    assert max(taken.count(event) for event in beside) <= 2
    assert len({one.delivery.id for one in endpoint.attempts}) == 30, "a repeat carries the same id"


async def test_the_consumer_of_a_hook_that_is_ordered_no_more_goes_under_load_too(
    client: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "OVERLAP", 0.1)

    async def publish_on() -> None:
        for number in itertools.count():
            await publish(client, f"e{number}")

    async with replica(client, endpoint) as one, replica(client, endpoint) as other:
        await one.keep(ordered=True)
        await publish(client, "first")
        await endpoint.until_taken(["first"])
        publishing = asyncio.create_task(publish_on())
        try:
            await one.keep(ordered=False)
            await until_consumer(client, there=False)
            await until(lambda: not any(("ops", KEY) in each.delivery.drains._drains for each in (one, other)))
            assert not await consumer_is_there(client), "nobody made it again"
        finally:
            await end((publishing,))


async def test_a_hook_that_ceased_to_be_ordered_while_nobody_ran_misses_nothing(
    client: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "OVERLAP", 0.1)
    monkeypatch.setattr(drain, "LINGER", 0.1)
    endpoint.answer = lambda _: DOWN
    async with replica(client, endpoint) as one:
        await one.keep(ordered=True)
        missed = await publish(client, *named(10))
        await endpoint.until_attempts(1)
        await until_matched(client)
        await one.delivery.stop(0.05)
        await one.keep(ordered=False)
    endpoint.answer = lambda _: Delivered()
    async with replica(client, endpoint):
        await endpoint.until_taken(missed)
        await until_consumer(client, there=False)
    assert endpoint.taken() == missed


async def test_the_consumer_of_a_hook_that_is_gone_goes_and_the_stream_keeps_everything(
    client: Client, here: Replica, endpoint: Endpoint
) -> None:
    await here.keep()
    endpoint.answer = lambda _: DOWN
    await publish(client, *named(10))
    await endpoint.until_attempts(1)
    await here.hooks.resources.delete("ns", "one")
    await until_consumer(client, there=False)
    await until(lambda: not here.delivery.drains._tasks)

    assert (await client.jetstream().stream_info("ops")).state.messages == 10
    assert len(here.delivery.settlement) == 0


async def test_a_hook_that_cannot_be_read_waits_without_a_word_and_goes_on_in_order(
    client: Client, here: Replica, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    await here.keep()
    await publish(client, "first")
    await endpoint.until_taken(["first"])
    bucket = await client.jetstream().key_value("ops-hooks")
    good = (await bucket.get("ns.one")).value
    await bucket.put("ns.one", b"unreadable")
    await until(lambda: here.hooks.registry.compiled(KEY) is None)
    caplog.clear()
    events = await publish(client, *named(10))
    await until_matched(client)
    await asyncio.sleep(0.5)  # in which a fault would be logged again and again
    assert (endpoint.taken(), caplog.text) == (["first"], "")

    await bucket.put("ns.one", good or b"")
    await endpoint.until_taken(events)
    assert endpoint.taken() == ["first", *events]


async def test_nobody_waits_behind_an_ordered_hook(client: Client, here: Replica, endpoint: Endpoint) -> None:
    endpoint.answer = lambda sent: DOWN if sent.target.key == KEY else Delivered()
    await here.keep(ordered=True)
    await here.keep(name="other", ordered=False)
    events = await publish(client, *named(200))
    await endpoint.until_taken(events, "hooks.ns.other")
    await until_matched(client)

    assert endpoint.taken() == []
    assert lane.IN_FLIGHT > 1
