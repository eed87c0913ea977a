"""A target's lane: its cap, its queue, and its watch for a target that hangs."""

from __future__ import annotations

import asyncio

import pytest

from app.delivery import lane as lane_module
from app.delivery.channels.memory import Memory
from app.delivery.lane import IN_FLIGHT, Attempt, Lane
from app.delivery.outcome import Delivered, Outcome, Refused, TryLater
from tests.unit.delivery.doubles import PROMPTLY, Broken, Gate, delivery


class Listener:
    """A lane, and what it tells of each delivery, in order."""

    def __init__(self, attempt: Attempt) -> None:
        self.lane = Lane(attempt)
        self.heard: list[tuple[int, Outcome]] = []
        self._told = asyncio.Condition()

    async def put(self, *numbers: int) -> None:
        for number in numbers:
            await self.lane.put(delivery(event_id=str(number)), self._tell_of(number))

    def _tell_of(self, number: int) -> lane_module.Tell:
        async def tell(outcome: Outcome) -> None:
            self.heard.append((number, outcome))
            async with self._told:
                self._told.notify_all()

        return tell

    async def until_heard(self, count: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._told:
            await self._told.wait_for(lambda: len(self.heard) >= count)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _, outcome in self.heard]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits this long: nothing hangs."""
    monkeypatch.setattr(lane_module, "PATIENCE", 1000.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "PATIENCE", 0.02)


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_each_delivery_is_attempted_and_told_of_once() -> None:
    memory = Memory(lambda sent: Refused(sent.received.event.id))
    listener = Listener(memory.send)
    await listener.put(*range(200))
    await listener.until_heard(200)

    assert [sent.received.event.id for sent in memory.deliveries] == [str(number) for number in range(200)]
    assert sorted(listener.heard) == [(number, Refused(str(number))) for number in range(200)]


async def test_at_most_64_attempts_are_in_flight(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(200))
    await gate.until_inside(IN_FLIGHT)
    gate.release(200)
    await listener.until_heard(200)

    assert IN_FLIGHT == 64
    assert gate.most == IN_FLIGHT
    assert listener.outcomes == [Delivered()] * 200


async def test_who_waits_gets_the_place_that_becomes_free(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(IN_FLIGHT + 2))
    await gate.until_inside(IN_FLIGHT)
    assert gate.entered == IN_FLIGHT
    gate.release(1)
    await gate.until_entered(IN_FLIGHT + 1)

    assert gate.inside == IN_FLIGHT
    listener.lane.cancel()


async def test_places_are_free_again_after_attempts_end(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    for turn in (1, 2, 3):
        await listener.put(*range(IN_FLIGHT))
        await gate.until_inside(IN_FLIGHT)
        gate.release(IN_FLIGHT)
        await listener.until_heard(turn * IN_FLIGHT)

    assert gate.most == IN_FLIGHT


async def test_who_waits_for_a_target_that_hangs_is_told_to_come_later(impatient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(IN_FLIGHT + 3))
    await listener.until_heard(3)

    assert sorted(number for number, _ in listener.heard) == [IN_FLIGHT, IN_FLIGHT + 1, IN_FLIGHT + 2]
    for outcome in listener.outcomes:
        assert isinstance(outcome, TryLater)
        assert "64 attempts are in flight" in outcome.reason
    assert gate.entered == IN_FLIGHT
    listener.lane.cancel()


async def test_a_target_that_hangs_gets_no_more_until_it_ends_an_attempt(impatient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(IN_FLIGHT + 1))
    await listener.until_heard(1)
    await listener.put(1000)
    assert [number for number, _ in listener.heard] == [IN_FLIGHT, 1000]
    assert gate.entered == IN_FLIGHT

    gate.release(1)
    await listener.until_heard(3)
    assert listener.outcomes[-1] == Delivered()
    await listener.put(1001)
    await gate.until_entered(IN_FLIGHT + 1)
    listener.lane.cancel()


async def test_a_target_that_is_slow_but_moves_does_not_hang(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(IN_FLIGHT + 3))
    await gate.until_inside(IN_FLIGHT)
    gate.release(1)
    await gate.until_entered(IN_FLIGHT + 1)
    listener.lane._look(0)  # the watch began when none had ended
    assert listener.lane._watch is not None  # and goes on
    gate.release(1)
    await gate.until_entered(IN_FLIGHT + 2)
    assert listener.outcomes == [Delivered()] * 2

    listener.lane._look(2)  # since the next look none has
    await listener.until_heard(3)
    assert isinstance(listener.outcomes[2], TryLater)
    listener.lane.cancel()


async def test_a_target_with_nobody_waiting_does_not_hang_however_long_it_takes(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(IN_FLIGHT))
    await gate.until_inside(IN_FLIGHT)
    listener.lane._look(0)
    gate.release(IN_FLIGHT + 1)
    await listener.until_heard(IN_FLIGHT)
    await listener.put(1)
    await listener.until_heard(IN_FLIGHT + 1)

    assert set(listener.outcomes) == {Delivered()}


async def test_a_delivery_that_comes_in_the_moment_in_which_all_attempts_end_is_attempted(impatient: None) -> None:
    opened = asyncio.Event()

    async def attempt(_: object) -> Outcome:
        await opened.wait()
        return Delivered()

    listener = Listener(attempt)
    await listener.put(*range(IN_FLIGHT))
    await asyncio.sleep(0)  # they begin, and wait before the one that comes late

    async def put_late() -> None:
        await opened.wait()
        await listener.put(1000)

    late = asyncio.create_task(put_late())
    await asyncio.sleep(0)
    opened.set()
    await late
    await listener.until_heard(IN_FLIGHT + 1)
    await listener.put(1001)
    await listener.until_heard(IN_FLIGHT + 2)

    assert set(listener.outcomes) == {Delivered()}


async def test_a_fault_of_a_channel_is_told_as_try_later_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener(Broken().send)
    await listener.put(*range(IN_FLIGHT * 2))
    await listener.until_heard(IN_FLIGHT * 2)

    assert {type(outcome) for outcome in listener.outcomes} == {TryLater}
    assert "hooks.ns.h" in caplog.text
    assert "LookupError" in caplog.text


async def test_cancelling_ends_all_work_without_a_word(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    await listener.put(*range(IN_FLIGHT + 3))
    await gate.until_inside(IN_FLIGHT)
    listener.lane.cancel()
    await gate.until_cancelled(IN_FLIGHT)

    assert listener.heard == []
    assert gate.entered == IN_FLIGHT
