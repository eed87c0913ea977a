"""From a message and its deliveries to a settled message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from app.delivery import dispatch, settle
from app.delivery.channels.base import Channel
from app.delivery.channels.memory import Memory
from app.delivery.delivery import Delivery
from app.delivery.dispatch import Dispatcher
from app.delivery.lane import IN_FLIGHT
from app.delivery.outcome import Delivered, Outcome, Refused, TryLater
from app.delivery.retry import SCHEDULE
from app.delivery.settle import Settlement
from app.telemetry.metrics import Metrics
from tests.unit.delivery.doubles import PROMPTLY, Broken, ByTarget, FakeMessage, Gate, background, delivery

GOOD, BAD = "hooks.ns.good", "hooks.ns.bad"


class House:
    """A dispatcher with what it works with."""

    def __init__(self, channel: Channel) -> None:
        self.settlement = Settlement()
        self.metrics = Metrics()
        self.dispatcher = Dispatcher({"webhook": channel}, self.settlement, self.metrics)

    async def submit(self, message: FakeMessage, *deliveries: Delivery) -> None:
        """Give it a message as the matcher does."""
        self.settlement.begin([message])
        await self.dispatcher.submit(message, deliveries)

    async def settle(self, *deliveries: Delivery, delivered: int = 1) -> FakeMessage:
        """Give it a message and wait until that is settled."""
        message = FakeMessage(delivered)
        await self.submit(message, *deliveries)
        await message.until_settled()
        return message


def failing(key: str, outcome: Outcome) -> Callable[[Delivery], Outcome]:
    return lambda sent: outcome if sent.target.key == key else Delivered()


def keys(memory: Memory) -> list[str]:
    return [sent.target.key for sent in memory.deliveries]


async def test_a_message_is_acknowledged_once_when_all_is_delivered() -> None:
    memory = Memory()
    house = House(memory)
    message = await house.settle(delivery("a"), delivery("b"), delivery("c"))

    assert (message.acks, message.naks) == (1, [])
    assert keys(memory) == ["a", "b", "c"]
    assert len(house.settlement) == 0


async def test_a_message_is_not_settled_before_its_last_delivery_ends() -> None:
    gate, memory = Gate(), Memory()
    house = House(ByTarget(slow=gate, fast=memory))
    message = FakeMessage()
    await house.submit(message, delivery("slow"), delivery("fast"))
    await gate.until_inside(1)

    assert keys(memory) == ["fast"]
    assert not message.settled
    gate.release(1)
    await message.until_settled()
    assert message.acks == 1


@pytest.mark.parametrize("outcome", [TryLater("down"), Refused("no")])
@pytest.mark.parametrize("delivered", [1, 2, len(SCHEDULE), 1000])
async def test_a_failure_gives_the_message_back_with_the_schedules_delay(outcome: Outcome, delivered: int) -> None:
    house = House(Memory(failing(BAD, outcome)))
    message = await house.settle(delivery(GOOD), delivery(BAD), delivered=delivered)
    planned = SCHEDULE[min(delivered, len(SCHEDULE)) - 1]

    assert message.acks == 0
    (delay,) = message.naks
    assert delay is not None
    assert planned <= delay <= planned * 1.2


async def test_only_what_failed_is_attempted_again() -> None:
    outcomes: list[Outcome] = [TryLater("down"), TryLater("down"), Delivered()]
    memory = Memory(lambda sent: outcomes.pop(0) if sent.target.key == BAD else Delivered())
    house = House(memory)
    deliveries = [delivery(GOOD), delivery(BAD)]

    assert (await house.settle(*deliveries)).naks
    assert (await house.settle(*deliveries, delivered=2)).naks
    assert (await house.settle(*deliveries, delivered=3)).acks == 1
    assert keys(memory) == [GOOD, BAD, BAD, BAD]


async def test_a_redelivery_of_which_nothing_is_left_to_do_is_acknowledged() -> None:
    memory = Memory(failing(BAD, Refused("no")))
    house = House(memory)
    await house.settle(delivery(GOOD), delivery(BAD))

    assert (await house.settle(delivery(GOOD), delivered=2)).acks == 1  # the failing hook was deleted meanwhile
    assert keys(memory) == [GOOD, BAD]


async def test_what_worked_is_forgotten_when_the_whole_message_is_done() -> None:
    outcomes: list[Outcome] = [TryLater("down"), Delivered(), Delivered()]
    memory = Memory(lambda sent: outcomes.pop(0) if sent.target.key == BAD else Delivered())
    house = House(memory)
    for delivered in (1, 2):
        await house.settle(delivery(GOOD), delivery(BAD), delivered=delivered)
    await house.settle(delivery(GOOD), delivery(BAD))  # a replay is delivered like anything new

    assert keys(memory) == [GOOD, BAD, BAD, GOOD, BAD]


async def test_another_event_for_the_same_target_is_attempted_all_the_same() -> None:
    memory = Memory(failing(BAD, TryLater("down")))
    house = House(memory)
    await house.settle(delivery(GOOD, "1"), delivery(BAD, "1"))
    await house.settle(delivery(GOOD, "2"), delivery(BAD, "2"))

    assert keys(memory) == [GOOD, BAD, GOOD, BAD]


async def test_what_worked_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_REMEMBERED", 2)
    memory = Memory(failing(BAD, TryLater("down")))
    house = House(memory)
    for event in ("1", "2", "3", "3", "1"):
        await house.settle(delivery(GOOD, event), delivery(BAD, event))

    good = [sent.received.event.id for sent in memory.deliveries if sent.target.key == GOOD]
    assert good == ["1", "2", "3", "1"]  # 3 was remembered, 1 had made room for it


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ([TryLater("busy", 100.0)], 100.0),
        ([TryLater("busy", 100.0), TryLater("busy", 300.0), Refused("no")], 300.0),
        ([TryLater("busy", 100.0), TryLater("down")], 100.0),
        ([TryLater("busy", 0.0)], SCHEDULE[0]),
        ([TryLater("busy", 1e9)], 3600.0),
    ],
)
async def test_the_wait_that_an_endpoint_asks_for_is_passed_on(outcomes: list[Outcome], wanted: float) -> None:
    by_key = {str(number): outcome for number, outcome in enumerate(outcomes)}
    house = House(Memory(lambda sent: by_key[sent.target.key]))
    (delay,) = (await house.settle(*map(delivery, by_key))).naks

    assert delay is not None
    assert wanted <= delay <= wanted * 1.2


async def test_outcomes_are_counted() -> None:
    house = House(Memory(failing(BAD, TryLater("down"))))
    await house.settle(delivery(GOOD), delivery(BAD))
    exposition = house.metrics.exposition().decode()

    assert 'ops_delivery_attempts_total{outcome="Delivered"} 1.0' in exposition
    assert 'ops_delivery_attempts_total{outcome="TryLater"} 1.0' in exposition


async def test_a_target_is_logged_when_it_begins_to_fail_and_when_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outcomes: list[Outcome] = [Delivered(), TryLater("down"), TryLater("down"), Delivered(), Delivered()]
    house = House(Memory(lambda _: outcomes.pop(0)))
    with caplog.at_level(logging.INFO):
        for event in "abcde":
            await house.settle(delivery(BAD, event))

    assert [record.getMessage() for record in caplog.records] == [
        f"{BAD} fails, its events are kept for later: down",
        f"{BAD} works again",
    ]


async def test_submitting_waits_while_as_many_messages_are_open_as_there_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "OUTSTANDING", 2)
    gate, messages = Gate(), [FakeMessage() for _ in range(3)]
    house = House(gate)
    for message in messages[:2]:
        await house.submit(message, delivery())
    waiting = asyncio.create_task(house.submit(messages[2], delivery()))
    async with background(waiting):
        await gate.until_inside(2)
        for _ in range(20):
            await asyncio.sleep(0)  # turns of the loop in which a submission that does not wait would end
        assert not waiting.done()

        gate.release(1)
        await asyncio.wait_for(waiting, PROMPTLY)
        gate.release(2)
        await messages[2].until_settled()
    assert gate.most == 2


async def test_draining_waits_for_what_is_being_worked_on() -> None:
    gate, message = Gate(), FakeMessage()
    house = House(gate)
    await house.submit(message, delivery())
    await gate.until_inside(1)
    draining = asyncio.create_task(house.dispatcher.drain(PROMPTLY))
    async with background(draining):
        gate.release(1)
        await asyncio.wait_for(draining, PROMPTLY)

    assert (message.acks, message.naks, gate.cancelled) == (1, [], 0)


async def test_draining_gives_back_what_does_not_end_in_time() -> None:
    gate, memory, messages = Gate(), Memory(), [FakeMessage(), FakeMessage()]
    house = House(ByTarget(slow=gate, fast=memory))
    for message, key in zip(messages, ("slow", "fast"), strict=True):
        await house.submit(message, delivery(key))
    await gate.until_inside(1)
    await messages[1].until_settled()
    await house.dispatcher.drain(0.01)

    slow, fast = messages
    assert (slow.acks, slow.naks) == (0, [0])
    assert (fast.acks, fast.naks) == (1, [])
    assert len(house.settlement) == 0
    await gate.until_cancelled(1)


async def test_draining_when_there_is_nothing_to_do_ends_at_once() -> None:
    await asyncio.wait_for(House(Broken()).dispatcher.drain(1000), PROMPTLY)


async def test_a_channel_that_raises_leaves_the_message_unacknowledged(caplog: pytest.LogCaptureFixture) -> None:
    house = House(ByTarget(fast=Memory(), broken=Broken()))
    message = await house.settle(delivery("fast"), delivery("broken"))

    assert (message.acks, len(message.naks), len(house.settlement)) == (0, 1, 0)
    assert "LookupError" in caplog.text


async def test_a_message_whose_channel_raised_is_given_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given back, or no longer reported as in progress: both let the server give it out again."""
    monkeypatch.setattr(settle, "_REPORT_EVERY", 0.005)
    gate, crashed, slow = Gate(), FakeMessage(), FakeMessage()
    house = House(ByTarget(slow=gate, broken=Broken()))
    await house.submit(crashed, delivery("broken"))
    await house.submit(slow, delivery("slow"))
    async with background(asyncio.create_task(house.settlement.report_progress())):
        await slow.until_in_progress(3)
        gate.release(1)
        await slow.until_settled()

    assert crashed.acks == 0
    assert crashed.naks or crashed.progress == 0
    assert len(house.settlement) == 0


async def test_a_channel_that_this_version_lacks_leaves_the_message_for_later(caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory()
    message = await House(memory).settle(delivery(channel="pager"))

    assert (message.acks, len(message.naks), memory.deliveries) == (0, 1, [])
    assert "no channel pager" in caplog.text


async def test_a_target_that_is_full_holds_up_no_other() -> None:
    gate, message = Gate(), FakeMessage()
    house = House(ByTarget(slow=gate, fast=Memory()))
    for number in range(IN_FLIGHT + 10):
        await house.submit(FakeMessage(), delivery("slow", str(number)))
    await gate.until_inside(IN_FLIGHT)
    await house.submit(message, delivery("fast"))
    await message.until_settled()

    assert message.acks == 1
    await house.dispatcher.drain(0)
    assert len(house.settlement) == 0
