"""Explanations on a real server: every verdict, from what the streams, the ledger and the consumers hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from nats.aio.client import Client

from app.delivery.delivery import Delivery, Received, delivery_of
from app.delivery.ledger.history import History
from app.delivery.outcome import Answer, Refused
from app.delivery.park import Parking
from app.delivery.retry import Debt
from app.errors import NotFoundError
from app.events import cloudevent
from app.hooks.pauses import Pauses
from app.hooks.questions.explain import Explanations
from app.hooks.questions.facts import Difference
from app.hooks.questions.finding import Finder, traces_of
from app.hooks.switch import Switch
from tests.consumers import passing
from tests.server.buckets import following
from tests.server.records import line, note
from tests.server.replaying import Process, keep, process, publish

TARGET = "hooks.default.one"


@dataclass
class Desk:
    """What operators ask, and what the test does to be asked about."""

    client: Client
    here: Process
    pauses: Pauses
    explanations: Explanations
    parking: Parking

    async def explain(self, sequence: int) -> Any:
        return await self.explanations.by_sequence("default", "one", sequence)

    async def delivery(self, sequence: int) -> Delivery:
        message = await self.client.jetstream().get_msg("ops", sequence)
        payload, headers = message.data or b"", message.headers
        event = cloudevent.read(payload, headers)
        subject, stored = message.subject or "", message.time.timestamp() if message.time else 0.0
        received = Received(event, payload, headers=headers or {}, subject=subject, sequence=sequence, stored=stored)
        return delivery_of(received, self.here.registry.get("default", "one").target)

    async def match(self, number: int) -> None:
        """Read so many events as the matcher does, and settle them."""
        subscription = await self.client.jetstream().pull_subscribe_bind("hooks", stream="ops")
        for message in await subscription.fetch(number, timeout=5):
            await message.ack_sync()
        await subscription.unsubscribe()


@pytest.fixture
async def desk(client: Client) -> AsyncIterator[Desk]:
    async with process(client) as here, following(Pauses(lambda: client, here.registry.generation)) as pauses:
        explanations = Explanations(here.registry, pauses, here.reader, History(here.reader))
        yield Desk(client, here, pauses, explanations, Parking(here.publisher))


async def test_an_event_that_was_delivered(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 3)
    await desk.match(3)
    delivery = await desk.delivery(2)
    tried = line(2, delivery=delivery.id, attempt=1, outcome="try_later", status=503)
    await note(desk.client, tried, line(1), target=TARGET)
    await note(desk.client, line(2, delivery=delivery.id, attempt=2), target=TARGET)
    found = await desk.explain(2)
    assert found.verdict == "delivered"
    assert [(attempt["attempt"], attempt["outcome"]) for attempt in found.attempts] == [
        (2, "delivered"),
        (1, "try_later"),
    ]
    assert found.attempts[0]["at"].startswith("20")
    assert (found.event.id, found.event.sequence, found.event.found_in) == ("ops.a-event-1", 2, "ops")
    assert (found.hook.name, found.hook.state, found.hook.generation) == ("one", "active", 1)
    assert found.hook.changed < found.event.time


async def test_an_event_that_is_a_dead_letter(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 2)
    await desk.match(2)
    refused = Refused("HTTP 400", Answer(400))
    await desk.parking.bury(await desk.delivery(1), "given up after 4 tries", Debt(4, 6), copy="-1", last=refused)
    found = await desk.explain(1)
    assert found.verdict == "dead_letter"
    assert (found.dead_letter.id, found.dead_letter.tries, found.dead_letter.attempts) == (1, 4, 6)
    assert "given up after 4 tries" in found.because[0]
    assert (await desk.explain(2)).dead_letter is None


async def test_an_event_that_is_parked(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 2)
    await desk.match(2)
    until = time.time() + 3600
    await desk.parking.park(await desk.delivery(1), "HTTP 503", Debt(1, 2, time.time(), until))
    found = await desk.explain(1)
    assert (found.verdict, found.parked.reason, found.parked.tries) == ("parked", "HTTP 503", 1)
    assert found.parked.not_before > found.parked.at


async def test_an_event_that_was_parked_and_settled_is_parked_no_more(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 1)
    await desk.match(1)
    await desk.parking.park(await desk.delivery(1), "HTTP 503")
    context = desk.client.jetstream()
    subscription = await context.pull_subscribe(f"ops-parked.{TARGET}", "hooks_default_one", "ops-parked")
    [message] = await subscription.fetch(1)
    await message.ack_sync()
    assert (await desk.explain(1)).parked is None


async def test_an_event_of_a_paused_hook(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 2)
    await Switch(desk.here.registry, desk.pauses).pause("default", "one", "maintenance")
    found = await desk.explain(1)
    assert (found.verdict, found.hook.state, found.paused.reason) == ("paused", "paused", "maintenance")
    await desk.match(2)
    await desk.parking.park(await desk.delivery(1), "the hook is paused")
    found = await desk.explain(1)
    assert (found.verdict, found.parked.reason) == ("paused", "the hook is paused")


async def test_an_event_on_another_subject(desk: Desk) -> None:
    await keep(desk.here, "ops.a.*.c")
    await publish(desk.client, 1, "ops.a.b.d")
    found = await desk.explain(1)
    assert found.verdict == "not_matched"
    assert found.subject.first_difference == Difference(4, "c", "d")


async def test_an_event_without_the_keywords(desk: Desk) -> None:
    await keep(desk.here, include=["wanted", r"even(?!ing)t"], exclude=["boring"], matchType="REGEX")
    await publish(desk.client, 1, text="wanted")
    await publish(desk.client, 1, text="wanted, but boring")
    await publish(desk.client, 1, text="event")
    await publish(desk.client, 1, text="evening")
    found = [(await desk.explain(sequence)) for sequence in (1, 2, 3, 4)]
    assert [one.keywords.wanted for one in found] == [True, False, True, False]
    assert [one.verdict for one in found] == ["pending", "not_matched", "pending", "not_matched"]
    assert [(word.word, word.matches) for word in found[1].keywords.include] == [
        ("wanted", True),
        (r"even(?!ing)t", False),
    ]
    assert [word.matches for word in found[1].keywords.exclude] == [True]


async def test_a_keyword_that_runs_out_of_time_holds_up_nobody(desk: Desk) -> None:
    await keep(desk.here, include=[r"(?=x)(x+x+)+y"], matchType="REGEX")
    await publish(desk.client, 1, text="x" * 5000)
    longest, began = 0.0, time.monotonic()
    asking = asyncio.create_task(desk.explain(1))
    while not asking.done():
        await asyncio.sleep(0.001)
        longest, began = max(longest, time.monotonic() - began), time.monotonic()
    found = await asking
    assert found.keywords.include[0].matches is None
    assert found.keywords.wanted is None
    assert "could not be decided in time" in found.because[-1]
    assert longest < 5, "the loop went on"


async def test_an_event_that_is_no_cloudevent(desk: Desk) -> None:
    await keep(desk.here)
    await desk.client.jetstream().publish("ops.a", b"hello")
    found = await desk.explain(1)
    assert (found.verdict, found.event.id, found.keywords) == ("not_matched", None, None)


async def test_an_event_that_is_yet_to_be_read_or_settled(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 3)
    await desk.match(1)
    subscription = await desk.client.jetstream().pull_subscribe_bind("hooks", stream="ops")
    await subscription.fetch(1)
    under_way, unread = await desk.explain(2), await desk.explain(3)
    assert (under_way.verdict, unread.verdict) == ("pending", "pending")
    assert "under way" in under_way.because[0]
    assert "hooks are at the sequence 2" in unread.because[0]


async def test_an_event_that_is_older_than_the_hook(desk: Desk) -> None:
    await publish(desk.client, 1)
    await asyncio.sleep(1.1)  # a hook's time of creation is in whole seconds
    await keep(desk.here)
    await desk.match(1)
    hook = desk.here.registry.get("default", "one")
    made = cloudevent.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    dated = hook.model_copy(update={"metadata": hook.metadata.model_copy(update={"creation_timestamp": made})})
    await desk.here.registry.replace(dated, int(hook.metadata.resource_version))
    found = await desk.explain(1)
    assert found.verdict == "hook_newer"
    assert "older than the hook" in found.because[0]


async def test_an_event_without_a_trace(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 1)
    await desk.match(1)
    assert (await desk.explain(1)).verdict == "unknown"


async def test_an_ordered_hook_is_as_far_as_its_own_consumer(desk: Desk) -> None:
    await keep(desk.here)
    hook = desk.here.registry.get("default", "one")
    ordered = hook.spec.model_copy(update={"options": {"ordered": "true"}})
    await desk.here.registry.replace(hook.model_copy(update={"spec": ordered}), int(hook.metadata.resource_version))
    await publish(desk.client, 1)
    await desk.match(1)
    found = await desk.explain(1)
    assert (found.verdict, found.because) == ("pending", ["Nobody has begun to read the events for this hook."])


async def test_an_event_is_found_by_its_id_wherever_it_left_a_trace(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 3)
    await desk.parking.park(await desk.delivery(1), "HTTP 503")
    await desk.parking.bury(await desk.delivery(2), "given up", Debt(4), copy="-1")
    third = await desk.delivery(3)
    await note(desk.client, line(3, delivery=third.id, event="ops.a-event-2", sequence=3), target=TARGET)
    verdicts = [
        (await desk.explanations.by_id("default", "one", f"ops.a-event-{number}")).verdict for number in range(3)
    ]
    assert verdicts == ["parked", "dead_letter", "delivered"]


async def test_an_event_that_the_stream_has_dropped_is_read_from_its_dead_letter(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 2)
    await desk.match(2)
    await desk.parking.bury(await desk.delivery(1), "given up", Debt(4), copy="-1")
    await desk.parking.park(await desk.delivery(2), "HTTP 503")
    before = await desk.explain(1)
    await desk.client.jetstream().purge_stream("ops")
    by_id, by_sequence = await desk.explanations.by_id("default", "one", "ops.a-event-0"), await desk.explain(1)
    assert by_id == by_sequence
    assert by_id.verdict == "dead_letter"
    assert (by_id.event.id, by_id.event.sequence, by_id.event.found_in) == ("ops.a-event-0", 1, "dead_letters")
    assert by_id.event.time == before.event.time
    assert (await desk.explain(2)).event.found_in == "parked"


async def test_an_event_is_found_by_its_id_in_the_stream(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 3000, "ops.a")
    await publish(desk.client, 2000, "ops.b")
    assert (await desk.explanations.by_id("default", "one", "ops.a-event-7")).event.sequence == 8
    found = await desk.explanations.by_id("default", "one", "ops.b-event-1")
    assert (found.event.sequence, found.verdict) == (3002, "not_matched")
    binary = {"ce-specversion": "1.0", "ce-id": "in-headers", "ce-source": "/s", "ce-type": "Default"}
    stored = await desk.client.jetstream().publish("ops.a", b"{}", headers=binary)
    assert (await desk.explanations.by_id("default", "one", "in-headers")).event.sequence == stored.seq


async def test_an_id_in_the_data_of_another_event_is_not_taken_for_it(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 1, text="needle")
    with pytest.raises(NotFoundError):
        await desk.explanations.by_id("default", "one", "needle")


async def test_where_an_event_was_looked_for_is_told(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 30, "ops.a")
    await publish(desk.client, 20, "ops.b")
    with pytest.raises(NotFoundError) as refusal:
        await desk.explanations.by_id("default", "one", "nonesuch")
    assert "nor among the newest 30 events on ops.a, back to the sequence 1" in str(refusal.value)
    assert "nor among the newest 50 events on ops.>, back to the sequence 1" in str(refusal.value)
    with pytest.raises(NotFoundError, match="the stream keeps the sequences 1 to 50"):
        await desk.explain(51)
    with pytest.raises(NotFoundError, match="there is no hook other"):
        await desk.explanations.by_id("default", "other", "ops.a-event-1")


async def test_a_search_ends_in_time_and_leaves_nothing_behind(desk: Desk) -> None:
    await keep(desk.here)
    await publish(desk.client, 5000, "ops.a")
    reader = desk.here.reader
    finder = Finder(reader, History(reader), seconds=0)
    with pytest.raises(NotFoundError, match=r"among the newest 0 events on ops\.a"):
        await finder.by_id("nonesuch", desk.here.registry.get("default", "one"), await traces_of(reader, TARGET))
    assert await passing(desk.client) == []
    for stream in ("ops-parked", "ops-dead-letters", "ops-attempts"):
        assert await desk.client.jetstream().consumers_info(stream) == []
