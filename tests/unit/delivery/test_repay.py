"""Messages that are owed, one by one: from what was written down to a settled message."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import time
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from app.delivery import records
from app.delivery.attempt import Attempts, Lanes
from app.delivery.backlog import repay
from app.delivery.backlog.probes import Turns
from app.delivery.backlog.queues import OrderedQueue, ParkedQueue, Queue
from app.delivery.backlog.repay import FAULT, HELD, Desk, Repayment
from app.delivery.channels.base import Channel
from app.delivery.channels.memory import Memory
from app.delivery.delivery import Received, Target
from app.delivery.outcome import Answer, Busy, Delivered, Failure, Impossible, Outcome, Refused, TryLater
from app.delivery.park import Parking, debt_of, headers_of, text
from app.delivery.retry import REFUSED, SCHEDULE, Debt
from app.delivery.settle import Settlement
from app.events.cloudevent import CONTENT_TYPE
from app.telemetry.metrics import Metrics
from streams import consumers
from tests.unit.delivery.doubles import PROMPTLY, FakeMessage, Gate, Notebook, background, delivery, target
from tests.unit.delivery.ledgers import Message, Stream

KEY = "hooks.ns.h"
DOWN = TryLater("down")
OWN = {"Content-Type": CONTENT_TYPE, "X-Own": "kept"}
STORED = 1_795_409_366.582186  # of every message here


class Hooks:
    """The targets that delivery asks for: one, and whether it wants an event."""

    def __init__(self) -> None:
        self.known: Target | None = target(KEY)
        self.verdict: bool | None = True
        self.asked = 0

    def target(self, key: str) -> Target | None:
        return self.known if key == KEY else None

    def is_gone(self, key: str) -> bool:
        raise NotImplementedError(key)

    async def confirm_gone(self, key: str) -> bool:
        raise NotImplementedError(key)

    async def wants(self, key: str, received: Received) -> bool | None:
        del key, received
        self.asked += 1
        return self.verdict


class Office:
    """The messages of one queue being worked on, with all that takes."""

    def __init__(self, channel: Channel, *, ordered: bool = False) -> None:
        self.hooks = Hooks()
        self.settlement = Settlement()
        self.ledger = Notebook()
        self.stream = Stream()
        self.paused = False
        self.stopped: set[str] = set()
        self.ends = math.inf
        lanes = Lanes(Attempts({"webhook": channel}, self.ledger, Metrics(), self._stop), lambda _: self.paused)
        self.lane = lanes[KEY]
        parking = Parking(self.stream)
        self.desk = Desk(lanes, parking, self.settlement, self.hooks, Turns(), lambda _: self.paused)
        self.queue: Queue = self._ordered() if ordered else self._parked()
        self.repayment = Repayment(KEY, self.queue, self.desk)

    def _parked(self) -> ParkedQueue:
        return ParkedQueue(KEY, 1, self.hooks.wants, self.stopped.__contains__)

    def _ordered(self) -> OrderedQueue:
        return OrderedQueue(KEY, lambda: consumers.parked_drain(KEY, 1), lambda: self.ends, self.hooks.wants)

    async def work(self, message: FakeMessage) -> FakeMessage:
        """Begin with a message, and wait until it is settled."""
        await asyncio.wait_for(self.repayment.begin(message), PROMPTLY)
        await message.until_settled()
        assert (len(self.settlement), self.repayment.open) == (0, 0)
        return message

    def parked(self) -> list[Message]:
        return [message for message in self.stream.messages if message.subject == f"ops-parked.{KEY}"]

    def letters(self) -> list[Message]:
        return [message for message in self.stream.messages if message.subject == f"ops-dead-letters.{KEY}"]

    async def _stop(self, key: str, reason: str) -> None:
        raise NotImplementedError(key, reason)


def parked(
    debt: Debt | None = None, *, event: str = "1", delivered: int = 1, more: Mapping[str, str] = MappingProxyType({})
) -> FakeMessage:
    """A message as `Parking` writes it, and as the consumer gives it out; sequence = the event's id."""
    one = delivery(KEY, event)
    received = dataclasses.replace(one.received, headers=OWN, subject="ops.a", sequence=42, stored=STORED)
    headers = {**headers_of(dataclasses.replace(one, received=received), debt or Debt(), "down"), **more}
    return FakeMessage(delivered, sequence=int(event), data=received.payload, headers=headers)


def of_ops(event: str = "1", delivered: int = 1) -> FakeMessage:
    """A message of the stream `ops`."""
    return FakeMessage(delivered, sequence=int(event), data=delivery(KEY, event).received.payload, headers=OWN)


def failed(tries: int = 0, attempts: int = 1) -> Debt:
    return Debt(tries=tries, attempts=attempts, failed=time.time() - 60, not_before=time.time() - 1)


def delay(message: FakeMessage) -> float:
    """With which it was given back, and nothing else."""
    assert message.acks == 0
    (seconds,) = message.naks
    assert seconds is not None
    return seconds


def reason_of(message: Message) -> str:
    return text(message.headers, records.REASON)


def always(outcome: Outcome) -> Memory:
    return Memory(lambda _: outcome)


async def test_what_is_delivered_is_the_event_as_it_was_stored_with_the_same_id() -> None:
    memory = Memory()
    message = await Office(memory).work(parked(failed(attempts=3)))

    assert (message.acks, message.naks) == (1, [])
    (sent,) = memory.deliveries
    assert sent.id == delivery(KEY).id
    assert sent.target == target(KEY)
    assert sent.received.event == delivery(KEY).received.event
    assert (sent.received.payload, sent.received.headers) == (delivery(KEY).received.payload, OWN)
    assert (sent.received.subject, sent.received.sequence, sent.received.stored) == ("ops.a", 42, STORED)
    assert sent.received.structured
    assert (sent.attempts, sent.replay) == (3, "")


async def test_the_target_is_the_one_of_now() -> None:
    memory = Memory()
    office = Office(memory)
    office.hooks.known = target(KEY, url="http://new.example/")
    await office.work(parked())

    assert [sent.target.url for sent in memory.deliveries] == ["http://new.example/"]


async def test_a_target_that_is_down_costs_time_and_no_tries() -> None:
    office = Office(always(DOWN))
    office.lane.breaker.succeeded()  # long before it failed
    message = await office.work(parked(dataclasses.replace(failed(), failed=time.time() + 1)))

    assert SCHEDULE[0] <= delay(message) <= SCHEDULE[0] * 1.2
    assert office.stream.tries == 0, "nothing is written twice"


async def test_a_message_that_fails_while_others_do_not_is_written_down_anew_with_its_tries() -> None:
    office = Office(always(DOWN))
    office.lane.breaker.succeeded()
    message = await office.work(parked(failed(tries=2, attempts=4)))

    assert (message.acks, message.naks) == (1, [])
    (copy,) = office.parked()
    debt = debt_of(copy.headers)
    assert (debt.tries, debt.attempts) == (3, 5)
    assert SCHEDULE[2] <= debt.not_before - debt.failed <= SCHEDULE[2] * 1.2
    assert copy.payload == delivery(KEY).received.payload
    assert copy.headers[records.DELIVERY] == delivery(KEY).id
    assert copy.headers["Nats-Msg-Id"] == f"{delivery(KEY).id}-1"
    assert copy.headers["X-Own"] == "kept"


async def test_after_its_tries_it_is_a_dead_letter() -> None:
    answer = Answer(500, b"boom")
    office = Office(always(TryLater("the endpoint answered 500", answer=answer)))
    office.lane.breaker.succeeded()
    message = await office.work(parked(failed(tries=len(SCHEDULE), attempts=9)))

    assert (message.acks, office.parked()) == (1, [])
    (letter,) = office.letters()
    assert reason_of(letter) == f"given up after {len(SCHEDULE) + 1} tries: the endpoint answered 500"
    assert letter.headers[records.STATUS] == "500"
    assert (debt_of(letter.headers).tries, debt_of(letter.headers).attempts) == (len(SCHEDULE) + 1, 10)
    assert letter.headers["Nats-Msg-Id"] == f"{delivery(KEY).id}-ops-parked-1"


async def test_a_refusal_counts_whether_others_were_taken_or_not() -> None:
    office = Office(always(Refused("no")))
    message = await office.work(parked(failed(tries=1)))
    assert message.acks == 1
    assert [debt_of(copy.headers).tries for copy in office.parked()] == [2]

    await office.work(parked(failed(tries=len(REFUSED)), event="2"))
    assert [reason_of(letter) for letter in office.letters()] == ["given up after 4 tries: no"]


async def test_what_no_attempt_can_do_is_a_dead_letter_at_once() -> None:
    office = Office(always(Impossible("it goes round in a loop")))
    await office.work(parked())
    assert [reason_of(letter) for letter in office.letters()] == ["it goes round in a loop"]


async def test_attempts_are_counted_on_while_a_message_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.delivery.retry.SCHEDULE", (0.0,))
    office = Office(always(DOWN))
    for delivered in (1, 2):
        await office.work(parked(failed(attempts=4), delivered=delivered))

    assert [line.number for line in office.ledger.lines] == [5, 6]


async def test_what_the_endpoint_asks_for_is_waited() -> None:
    message = await Office(always(Busy("busy", 300.0))).work(parked())
    assert delay(message) == 300.0


@pytest.mark.parametrize("delivered", [1, 2, 7])
async def test_no_attempt_is_made_before_its_time_however_often_the_message_comes(delivered: int) -> None:
    memory = Memory()
    office = Office(memory)
    debt = dataclasses.replace(failed(tries=3), not_before=time.time() + 1000)
    message = await office.work(parked(debt, delivered=delivered))

    assert 990 < delay(message) <= 1000
    assert memory.deliveries == []


@pytest.mark.parametrize("outcome", [DOWN, Impossible("no"), Refused("no")])
async def test_while_jetstream_is_away_nothing_is_acknowledged(outcome: Failure) -> None:
    office = Office(always(outcome))
    office.lane.breaker.succeeded()
    office.stream.away = True
    message = await office.work(parked(failed(tries=1)))

    assert FAULT <= delay(message) <= FAULT * 1.2


@pytest.mark.parametrize("outcome", [DOWN, Impossible("no")])
async def test_a_fault_of_ours_while_writing_leaves_the_message_to_come_again(
    outcome: Failure, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(always(outcome))
    office.lane.breaker.succeeded()
    office.stream.refuses = LookupError("a fault")
    message = await office.work(parked(failed()))

    assert FAULT <= delay(message) <= FAULT * 1.2
    assert "LookupError" in caplog.text


async def test_a_fault_of_ours_while_reading_leaves_the_message_to_come_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory = Memory()
    office = Office(memory)

    async def owed(*_: object) -> None:
        raise LookupError("a fault")

    office.queue.owed = owed  # type: ignore[method-assign, assignment]
    message = await office.work(parked())

    assert FAULT <= delay(message) <= FAULT * 1.2
    assert memory.deliveries == []
    assert "LookupError" in caplog.text


async def test_what_is_no_event_is_owed_to_nobody() -> None:
    memory = Memory()
    message = await Office(memory).work(FakeMessage(data=b"hello"))
    assert (message.acks, memory.deliveries) == (1, [])


async def test_an_event_of_a_hook_that_cannot_be_read_waits() -> None:
    memory = Memory()
    office = Office(memory)
    office.hooks.known = None
    message = await office.work(parked())

    assert FAULT <= delay(message) <= FAULT * 1.2
    assert memory.deliveries == []


async def test_a_replay_that_was_stopped_brings_nothing_more() -> None:
    memory = Memory()
    office = Office(memory)
    office.stopped.add("r1")
    assert (await office.work(parked(event="1", more={records.REPLAY: "r1"}))).acks == 1
    await office.work(parked(event="2", more={records.REPLAY: "r2"}))

    assert [sent.replay for sent in memory.deliveries] == ["r2"]


@pytest.mark.parametrize(("verdict", "sent"), [(True, 1), (None, 1), (False, 0)])
async def test_what_was_undecided_is_asked_again(verdict: bool | None, sent: int) -> None:  # noqa: FBT001 -- a verdict
    memory = Memory()
    office = Office(memory)
    office.hooks.verdict = verdict
    message = await office.work(parked(more={records.UNDECIDED: "1"}))

    assert (message.acks, len(memory.deliveries), office.hooks.asked) == (1, sent, 1)


async def test_what_was_decided_is_not_asked_again() -> None:
    memory = Memory()
    office = Office(memory)
    office.hooks.verdict = False  # the hook was changed since
    await office.work(parked())

    assert (len(memory.deliveries), office.hooks.asked) == (1, 0)


@pytest.mark.parametrize("obstacle", ["down", "paused"])
async def test_a_target_that_takes_nothing_now_has_its_messages_come_again_soon(obstacle: str) -> None:
    memory = Memory()
    office = Office(memory)
    if obstacle == "paused":
        office.paused = True
    else:
        office.lane.breaker.open()
    message = await office.work(parked())

    assert HELD <= delay(message) <= HELD * 1.2
    assert memory.deliveries == []


async def test_a_probe_is_an_attempt_whatever_the_breaker_says() -> None:
    office, message = Office(Memory()), parked()
    office.lane.breaker.open()
    await office.repayment.probe(message)

    assert message.acks == 1
    assert office.lane.breaker.closed
    assert (len(office.settlement), office.repayment.open) == (0, 0)


async def test_a_paused_target_is_not_probed() -> None:
    memory, message = Memory(), parked()
    office = Office(memory)
    office.lane.breaker.open()
    office.paused = True
    await office.repayment.probe(message)

    assert HELD <= delay(message) <= HELD * 1.2
    assert memory.deliveries == []
    assert (len(office.settlement), office.repayment.open) == (0, 0)


@pytest.mark.parametrize("known", [True, False], ids=["known", "unreadable"])
@pytest.mark.parametrize("early", [0.0, 1000.0], ids=["due", "before its time"])
async def test_what_expires_is_given_up_without_an_attempt(known: bool, early: float) -> None:  # noqa: FBT001 -- a case
    memory, message = Memory(), parked(dataclasses.replace(failed(2, 3), not_before=time.time() + early))
    office = Office(memory)
    office.hooks.known = target(KEY) if known else None
    await office.repayment.bury(message, "it could not be delivered within 23 hours")

    assert (message.acks, memory.deliveries, len(office.settlement)) == (1, [], 0)
    (letter,) = office.letters()
    assert reason_of(letter) == "it could not be delivered within 23 hours"
    assert (debt_of(letter.headers).tries, debt_of(letter.headers).attempts) == (2, 3)
    assert letter.headers[records.CHANNEL] == ("webhook" if known else "")


async def test_no_more_are_worked_on_at_a_time_than_the_window_allows() -> None:
    gate, messages = Gate(), [of_ops(str(number)) for number in (1, 2)]
    office = Office(gate, ordered=True)
    await office.repayment.begin(messages[0])
    second = asyncio.create_task(office.repayment.begin(messages[1]))
    async with background(second):
        await gate.until_inside(1)
        assert (office.repayment.open, gate.entered) == (1, 1)
        gate.release(2)
        await messages[1].until_settled()
    assert gate.most == 1


async def test_it_is_told_when_the_last_is_settled() -> None:
    gate, told = Gate(), list[int]()
    office = Office(gate)
    office.repayment.settled = lambda: told.append(office.repayment.open)
    messages = [parked(event=str(number)) for number in range(1, 4)]
    for message in messages:
        await office.repayment.begin(message)
    await gate.until_inside(3)
    assert (told, office.repayment.open) == ([], 3)
    gate.release(3)
    for message in messages:
        await message.until_settled()

    assert told == [0]


async def test_in_order_a_message_that_fails_stays_where_it_is() -> None:
    office = Office(always(DOWN), ordered=True)
    office.lane.breaker.succeeded()
    message = await office.work(of_ops())

    assert SCHEDULE[0] <= delay(message) <= SCHEDULE[0] * 1.2
    assert office.stream.tries == 0


async def test_in_order_a_message_that_is_refused_is_a_dead_letter_after_its_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.delivery.retry.REFUSED", (0.0,) * 3)
    office = Office(always(Refused("no")), ordered=True)
    for delivered in range(1, 4):
        delay(await office.work(of_ops(delivered=delivered)))
    last = await office.work(of_ops(delivered=4))

    assert (last.acks, office.parked()) == (1, [])
    assert [reason_of(letter) for letter in office.letters()] == ["given up after 4 tries: no"]


@pytest.mark.parametrize(("verdict", "sent"), [(True, 1), (None, 1), (False, 0)])
async def test_in_order_too_goes_what_the_hook_wants(verdict: bool | None, sent: int) -> None:  # noqa: FBT001 -- a verdict
    memory = Memory()
    office = Office(memory, ordered=True)
    office.hooks.verdict = verdict
    message = await office.work(of_ops())

    assert (message.acks, len(memory.deliveries)) == (1, sent)


async def test_an_event_goes_the_same_way_as_a_delivery_with_the_same_id_in_order_or_not() -> None:
    memory = Memory()
    await Office(memory, ordered=True).work(of_ops())

    (sent,) = memory.deliveries
    assert sent.id == delivery(KEY).id
    assert (sent.received.subject, sent.received.sequence, sent.received.headers) == ("ops.a", 1, OWN)
    assert sent.received.stored == pytest.approx(STORED)


async def test_what_came_after_the_order_had_ended_goes_another_way() -> None:
    memory = Memory()
    office = Office(memory, ordered=True)
    office.ends = STORED - 1
    assert (await office.work(of_ops())).acks == 1
    assert memory.deliveries == []


async def test_what_is_remembered_of_tries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repay, "_REMEMBERED", 5)
    office = Office(always(DOWN))
    for number in range(1, 20):
        office.lane.breaker.close()
        await office.work(parked(event=str(number)))

    assert len(office.repayment._debts) == 5


async def test_what_was_tried_is_forgotten_once_a_message_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.delivery.retry.SCHEDULE", (0.0,))
    outcomes: list[Outcome] = [DOWN, Delivered()]
    office = Office(Memory(lambda _: outcomes.pop(0)))
    delay(await office.work(parked()))
    assert len(office.repayment._debts) == 1
    await office.work(parked(delivered=2))

    assert office.repayment._debts == {}
