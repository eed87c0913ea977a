"""From a message and its deliveries to a settled message: delivered, kept for later, or to come again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from app.delivery import dispatch, records, settle
from app.delivery.attempt import Attempts, Lanes
from app.delivery.channels.base import Channel
from app.delivery.channels.memory import Memory
from app.delivery.delivery import Delivery
from app.delivery.dispatch import Dispatcher
from app.delivery.lane import IN_FLIGHT
from app.delivery.outcome import Busy, Delivered, Failure, Gone, Impossible, Outcome, Refused, TryLater
from app.delivery.park import Parking, debt_of, text
from app.delivery.settle import Settlement
from app.errors import TooLargeError, UnavailableError
from app.jetstream.publish import Stored
from app.telemetry.metrics import Metrics
from tests.unit.delivery.doubles import (
    PROMPTLY,
    Broken,
    ByTarget,
    FakeMessage,
    Gate,
    Notebook,
    background,
    delivery,
)
from tests.unit.delivery.ledgers import Message, Stream

GOOD, BAD = "hooks.ns.good", "hooks.ns.bad"
DOWN = TryLater("down")


class SlowStream(Stream):
    """Acknowledges nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        await self.opened.wait()
        return await super().__call__(subject, payload, headers)


class House:
    """A dispatcher with what it works with."""

    def __init__(self, channel: Channel, stream: Stream | None = None) -> None:
        self.settlement = Settlement()
        self.metrics = Metrics()
        self.ledger = Notebook()
        self.stream = stream or Stream()
        self.paused: set[str] = set()
        self.stopped: list[tuple[str, str]] = []
        self.woken: list[str] = []
        self.away_for_stop = False
        attempts = Attempts({"webhook": channel}, self.ledger, self.metrics, self._stop)
        self.lanes = Lanes(attempts, self.paused.__contains__)
        self.dispatcher = Dispatcher(self.lanes, Parking(self.stream), self.settlement, self.woken.append)

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

    def parked(self, key: str = BAD) -> list[Message]:
        return self._stored(f"ops-parked.{key}")

    def letters(self, key: str = BAD) -> list[Message]:
        return self._stored(f"ops-dead-letters.{key}")

    def _stored(self, subject: str) -> list[Message]:
        return [message for message in self.stream.messages if message.subject == subject]

    async def _stop(self, key: str, reason: str) -> None:
        self.stopped.append((key, reason))
        if self.away_for_stop:
            raise UnavailableError("JetStream is away")


def failing(key: str, outcome: Outcome) -> Callable[[Delivery], Outcome]:
    return lambda sent: outcome if sent.target.key == key else Delivered()


def keys(memory: Memory) -> list[str]:
    return [sent.target.key for sent in memory.deliveries]


def reason_of(message: Message) -> str:
    return text(message.headers, records.REASON)


async def test_a_message_is_acknowledged_once_when_all_is_delivered() -> None:
    memory = Memory()
    house = House(memory)
    message = await house.settle(delivery("a"), delivery("b"), delivery("c"))

    assert (message.acks, message.naks) == (1, [])
    assert keys(memory) == ["a", "b", "c"]
    assert len(house.settlement) == 0
    assert house.stream.tries == 0, "in good weather nothing is written twice"


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


@pytest.mark.parametrize(
    ("outcome", "tries"), [(DOWN, 0), (Busy("busy"), 0), (Refused("no"), 1), (Gone("gone"), 0)], ids=str
)
async def test_what_fails_is_kept_for_later_with_what_was_tried(outcome: Failure, tries: int) -> None:
    house = House(Memory(failing(BAD, outcome)))
    message = await house.settle(delivery(GOOD), delivery(BAD))

    assert (message.acks, message.naks) == (1, [])
    (kept,) = house.parked()
    debt = debt_of(kept.headers)
    assert (debt.tries, debt.attempts) == (tries, 1)
    assert debt.failed < debt.not_before
    assert reason_of(kept) == outcome.reason
    assert kept.payload == delivery(BAD).received.payload
    assert house.parked(GOOD) == []
    assert house.woken == [BAD]


async def test_the_wait_that_an_endpoint_asks_for_is_kept_too() -> None:
    house = House(Memory(failing(BAD, Busy("busy", 300.0))))
    await house.settle(delivery(BAD))

    debt = debt_of(house.parked()[0].headers)
    assert debt.not_before == pytest.approx(debt.failed + 300.0)


async def test_a_message_is_acknowledged_only_when_what_failed_is_kept() -> None:
    stream, message = SlowStream(), FakeMessage()
    house = House(Memory(lambda _: DOWN), stream)
    await house.submit(message, delivery(BAD))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not message.settled

    stream.opened.set()
    await message.until_settled()
    assert (message.acks, len(house.parked())) == (1, 1)


@pytest.mark.parametrize("problem", [UnavailableError("JetStream is away"), TooLargeError("it is too large")])
async def test_what_cannot_be_kept_comes_again(problem: Exception, caplog: pytest.LogCaptureFixture) -> None:
    house = House(Memory(failing(BAD, DOWN)))
    house.stream.refuses = problem
    message = await house.settle(delivery(GOOD), delivery(BAD))

    assert message.acks == 0
    (delay,) = message.naks
    assert delay is not None
    assert 1.0 <= delay <= 1.2
    assert str(problem) in caplog.text
    assert len(house.settlement) == 0


@pytest.mark.parametrize(("delivered", "planned"), [(2, 2.0), (3, 5.0), (4, 10.0), (5, 30.0), (1000, 30.0)])
async def test_what_cannot_be_kept_comes_again_more_and_more_seldom(delivered: int, planned: float) -> None:
    house = House(Memory(lambda _: DOWN))
    house.stream.away = True
    (delay,) = (await house.settle(delivery(BAD), delivered=delivered)).naks

    assert delay is not None
    assert planned <= delay <= planned * 1.2


async def test_a_fault_of_ours_while_keeping_leaves_the_message_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    house = House(Memory(lambda _: DOWN))
    house.stream.refuses = LookupError("a fault")
    message = await house.settle(delivery(GOOD), delivery(BAD))

    assert (message.acks, len(message.naks), len(house.settlement)) == (0, 1, 0)
    assert "LookupError" in caplog.text
    await asyncio.wait_for(house.dispatcher.drain(1000), PROMPTLY)  # and nothing is taken for being worked on


async def test_what_no_attempt_can_do_is_a_dead_letter_at_once() -> None:
    house = House(Memory(failing(BAD, Impossible("it goes round in a loop"))))
    message = await house.settle(delivery(GOOD), delivery(BAD))

    assert (message.acks, house.parked()) == (1, [])
    assert [reason_of(letter) for letter in house.letters()] == ["it goes round in a loop"]


async def test_a_channel_that_this_version_lacks_makes_a_dead_letter() -> None:
    memory = Memory()
    house = House(memory)
    message = await house.settle(delivery(BAD, channel="pager"))

    assert (message.acks, memory.deliveries) == (1, [])
    assert [reason_of(letter) for letter in house.letters()] == ["this version has no channel pager"]


async def test_a_channel_that_raises_leaves_the_event_for_later(caplog: pytest.LogCaptureFixture) -> None:
    house = House(ByTarget(fast=Memory(), broken=Broken()))
    message = await house.settle(delivery("fast"), delivery("broken"))

    assert (message.acks, len(house.parked("broken"))) == (1, 1)
    assert "LookupError" in caplog.text


async def test_a_target_that_wants_nothing_any_more_is_stopped_and_its_event_kept() -> None:
    house = House(Memory(lambda _: Gone("the endpoint answered 410")))
    message = await house.settle(delivery(BAD))

    assert house.stopped == [(BAD, "the endpoint answered 410")]
    assert (message.acks, len(house.parked())) == (1, 1)


async def test_where_the_stop_cannot_be_written_down_the_answer_stands(caplog: pytest.LogCaptureFixture) -> None:
    house = House(Memory(lambda _: Gone("the endpoint answered 410")))
    house.away_for_stop = True
    await house.settle(delivery(BAD))

    assert [reason_of(kept) for kept in house.parked()] == ["the endpoint answered 410"]
    assert "fault of ours" not in caplog.text
    assert "JetStream is away" in caplog.text


async def test_a_paused_target_has_its_events_kept_without_an_attempt() -> None:
    memory = Memory()
    house = House(memory)
    house.paused.add(BAD)
    message = await house.settle(delivery(GOOD), delivery(BAD))

    assert (message.acks, keys(memory)) == (1, [GOOD])
    (kept,) = house.parked()
    assert reason_of(kept) == "the hook is paused"
    assert (debt_of(kept.headers).attempts, kept.headers.get(records.NOT_BEFORE)) == (0, None)
    assert house.woken == [BAD]
    assert not house.lanes[BAD].behind


async def test_newer_events_queue_up_behind_those_of_a_target_that_is_down() -> None:
    memory = Memory(failing(BAD, DOWN))
    house = House(memory)
    for event in "abcde":
        await house.settle(delivery(BAD, event))
    assert len(memory.deliveries) == 2
    house.lanes[BAD].breaker.close()
    await house.settle(delivery(BAD, "f"))

    assert len(memory.deliveries) == 2
    assert [reason_of(kept) for kept in house.parked()] == [
        *["down"] * 2,
        *["the target takes nothing at present"] * 3,
        "others wait already",
    ]


async def test_one_event_that_fails_holds_up_no_other_of_its_target() -> None:
    outcomes: list[Outcome] = [Delivered(), DOWN, Delivered()]
    house = House(Memory(lambda _: outcomes.pop(0)))
    for event in "abc":
        await house.settle(delivery(BAD, event))

    assert not house.lanes[BAD].behind
    assert [kept.headers[records.EVENT] for kept in house.parked()] == ["b"]


async def test_an_event_of_which_is_not_known_whether_it_is_wanted_is_kept_undecided() -> None:
    memory = Memory()
    house = House(memory)
    one = delivery(BAD)
    message = await house.settle(Delivery(one.id, one.target, one.received, undecided=True))

    assert (message.acks, memory.deliveries) == (1, [])
    (kept,) = house.parked()
    assert kept.headers[records.UNDECIDED] == "1"
    assert house.woken == [BAD]


async def test_outcomes_are_counted_and_each_attempt_stands_in_the_ledger() -> None:
    house = House(Memory(failing(BAD, DOWN)))
    await house.settle(delivery(GOOD), delivery(BAD))
    exposition = house.metrics.exposition().decode()

    assert 'ops_delivery_attempts_total{channel="webhook",outcome="delivered"} 1.0' in exposition
    assert 'ops_delivery_attempts_total{channel="webhook",outcome="try_later"} 1.0' in exposition
    good, bad = sorted(house.ledger.lines, key=lambda line: line.target, reverse=True)
    assert (good.target, good.outcome, bad.target, bad.outcome) == (GOOD, Delivered(), BAD, DOWN)
    assert (bad.delivery, bad.event, bad.number, bad.replay) == (delivery(BAD).id, "1", 1, "")
    assert bad.seconds >= 0


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


async def test_what_does_not_end_in_time_is_given_back_and_begun_no_more() -> None:
    gate, memory, messages = Gate(), Memory(), [FakeMessage(), FakeMessage()]
    house = House(ByTarget(slow=gate, fast=memory))
    for message, key in zip(messages, ("slow", "fast"), strict=True):
        await house.submit(message, delivery(key))
    await gate.until_inside(1)
    await messages[1].until_settled()
    await house.dispatcher.drain(0.01)
    await house.lanes.finish(0.01)
    await house.settlement.give_back_all()

    slow, fast = messages
    assert (slow.acks, slow.naks) == (0, [0])
    assert (fast.acks, fast.naks) == (1, [])
    assert len(house.settlement) == 0
    await gate.until_cancelled(1)


async def test_draining_when_there_is_nothing_to_do_ends_at_once() -> None:
    await asyncio.wait_for(House(Broken()).dispatcher.drain(1000), PROMPTLY)


async def test_a_message_of_which_an_attempt_crashed_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is settled, or at least no longer reported as in progress: else the server would never give it out again."""
    monkeypatch.setattr(settle, "_REPORT_EVERY", 0.005)
    gate, crashed, slow = Gate(), FakeMessage(), FakeMessage()
    house = House(ByTarget(slow=gate, broken=Broken()))
    house.stream.refuses = LookupError("a fault")
    await house.submit(crashed, delivery("broken"))
    await house.submit(slow, delivery("slow"))
    async with background(asyncio.create_task(house.settlement.report_progress())):
        await slow.until_in_progress(3)
        gate.release(1)
        await slow.until_settled()

    assert crashed.acks == 0
    assert crashed.naks
    assert len(house.settlement) == 0


async def test_a_target_that_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.delivery.lane.HANG", 0.01)
    gate = Gate()
    house = House(ByTarget(slow=gate, fast=Memory()))
    for number in range(IN_FLIGHT + 10):
        await house.submit(FakeMessage(), delivery("slow", str(number)))
    await house.stream.until_stored(10)
    message = await house.settle(delivery("fast"))

    assert message.acks == 1
    assert {reason_of(kept) for kept in house.parked("slow")} == {"the target is slower than its events come"}
    await house.lanes.finish(0)


async def test_there_is_one_lane_for_each_target() -> None:
    lanes = House(Memory()).lanes
    assert lanes.get(GOOD) is None
    assert lanes[GOOD] is lanes[GOOD] is lanes.get(GOOD)
    assert lanes[GOOD] is not lanes[BAD]
