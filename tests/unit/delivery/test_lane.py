"""A target's lane: its cap, its queue, its watch for a target that is slow or hangs, and what it holds off."""

from __future__ import annotations

import asyncio
import logging

import pytest

from app.delivery import lane as lane_module
from app.delivery import retry
from app.delivery.channels.memory import Memory
from app.delivery.lane import BEHIND, FULL, IN_FLIGHT, OPEN, PAUSED, Attempt, Held, Lane
from app.delivery.outcome import Busy, Delivered, Failure, Gone, Impossible, Outcome, Refused, TryLater
from tests.unit.delivery.doubles import PROMPTLY, Broken, Gate, delivery

KEY = "hooks.ns.h"
DOWN = TryLater("down")


class Listener:
    """A lane, and what it tells of each delivery, in order."""

    def __init__(self, attempt: Attempt) -> None:
        self.paused = False
        self.lane = Lane(KEY, attempt, lambda _: self.paused)
        self.heard: list[tuple[int, Outcome | Held]] = []
        self.changes = 0
        self.lane.changed = self._count
        self._told = asyncio.Condition()

    def put(self, *numbers: int) -> list[Held | None]:
        return [self.lane.put(delivery(event_id=str(number)), self._tell_of(number)) for number in numbers]

    def put_kept(self, *numbers: int) -> list[Held | None]:
        return [self.lane.put_kept(delivery(event_id=str(number)), self._tell_of(number)) for number in numbers]

    def _tell_of(self, number: int) -> lane_module.Tell:
        async def tell(outcome: Outcome | Held) -> None:
            self.heard.append((number, outcome))
            async with self._told:
                self._told.notify_all()

        return tell

    async def until_heard(self, count: int) -> None:
        async with asyncio.timeout(PROMPTLY), self._told:
            await self._told.wait_for(lambda: len(self.heard) >= count)

    async def attempt(self, *numbers: int) -> None:
        """Put some, and wait until each was attempted."""
        before = len(self.heard)
        assert self.put(*numbers) == [None] * len(numbers)
        await self.until_heard(before + len(numbers))

    @property
    def outcomes(self) -> list[Outcome | Held]:
        return [outcome for _, outcome in self.heard]

    def _count(self) -> None:
        self.changes += 1


def scripted(*outcomes: Outcome) -> Memory:
    left = list(outcomes)
    return Memory(lambda _: left.pop(0))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits this long: nothing hangs."""
    monkeypatch.setattr(lane_module, "HANG", 1000.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "HANG", 0.02)


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_each_delivery_is_attempted_and_told_of_once() -> None:
    memory = Memory(lambda sent: Refused(sent.received.event.id))
    listener = Listener(memory.send)
    await listener.attempt(*range(200))

    assert [sent.received.event.id for sent in memory.deliveries] == [str(number) for number in range(200)]
    assert sorted(listener.heard) == [(number, Refused(str(number))) for number in range(200)]


async def test_at_most_64_attempts_are_in_flight(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(200))
    await gate.until_inside(IN_FLIGHT)
    assert (listener.lane.in_flight, listener.lane.queued) == (IN_FLIGHT, 200 - IN_FLIGHT)
    gate.release(200)
    await listener.until_heard(200)

    assert IN_FLIGHT == 64
    assert gate.most == IN_FLIGHT
    assert listener.outcomes == [Delivered()] * 200


async def test_who_waits_gets_the_place_that_becomes_free(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT + 2))
    await gate.until_inside(IN_FLIGHT)
    assert gate.entered == IN_FLIGHT
    gate.release(1)
    await gate.until_entered(IN_FLIGHT + 1)

    assert gate.inside == IN_FLIGHT
    listener.lane.cancel()


async def test_places_are_free_again_after_attempts_end(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    for turn in (1, 2, 3):
        listener.put(*range(IN_FLIGHT))
        await gate.until_inside(IN_FLIGHT)
        gate.release(IN_FLIGHT)
        await listener.until_heard(turn * IN_FLIGHT)

    assert gate.most == IN_FLIGHT


async def test_who_waits_for_a_target_that_hangs_is_held_off(impatient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT + 3))
    await listener.until_heard(3)

    assert sorted(listener.heard) == [(IN_FLIGHT + number, FULL) for number in range(3)]
    assert gate.entered == IN_FLIGHT
    assert listener.put(1000) == [BEHIND], "newer ones queue up behind those"
    listener.lane.cancel()


async def test_one_that_is_slow_to_keep_holds_up_no_other_that_is_held_off(impatient: None, gate: Gate) -> None:
    listener, never = Listener(gate.send), asyncio.Event()

    async def keep_for_ever(_: Outcome | Held) -> None:
        await never.wait()

    listener.put(*range(IN_FLIGHT))
    listener.lane.put(delivery(), keep_for_ever)
    listener.put(1000)
    await listener.until_heard(1)

    assert listener.heard == [(1000, FULL)]
    listener.lane.cancel()


async def test_what_was_kept_already_waits_for_a_target_that_hangs(impatient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT))
    listener.put_kept(100)
    listener.put(101)
    await listener.until_heard(1)
    assert listener.heard == [(101, FULL)]
    gate.release(IN_FLIGHT + 1)
    await listener.until_heard(IN_FLIGHT + 2)

    assert (100, Delivered()) in listener.heard


async def test_a_target_that_is_slow_but_moves_does_not_hang(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT + 3))
    await gate.until_inside(IN_FLIGHT)
    gate.release(1)
    await gate.until_entered(IN_FLIGHT + 1)
    listener.lane._look(0)  # the watch began when none had ended
    assert listener.lane._watch is not None  # and goes on
    assert listener.outcomes == [Delivered()]

    listener.lane._look(1)  # since the next look none has
    await listener.until_heard(3)
    assert listener.outcomes[1:] == [FULL, FULL]
    listener.lane.cancel()


async def test_nobody_waits_longer_than_a_second_for_a_target_that_is_slow_but_moves(
    patient: None, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "PATIENCE", 0.0)
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT + 2))
    await gate.until_inside(IN_FLIGHT)
    gate.release(1)
    await gate.until_entered(IN_FLIGHT + 1)
    listener.lane._look(0)
    await listener.until_heard(2)

    assert listener.heard[1:] == [(IN_FLIGHT + 1, FULL)]
    listener.lane.cancel()


async def test_a_target_with_nobody_waiting_does_not_hang_however_long_it_takes(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT))
    await gate.until_inside(IN_FLIGHT)
    listener.lane._look(0)
    gate.release(IN_FLIGHT)
    await listener.until_heard(IN_FLIGHT)

    assert not listener.lane.behind
    assert set(listener.outcomes) == {Delivered()}


async def test_a_target_that_is_down_gets_no_more_and_what_waits_is_held_off(patient: None) -> None:
    memory = Memory(lambda _: DOWN)
    listener = Listener(memory.send)
    assert listener.put(*range(500)) == [None] * 500
    await listener.until_heard(500)

    assert listener.lane.breaker.state == "open"
    assert len(memory.deliveries) <= IN_FLIGHT
    assert listener.outcomes.count(OPEN) == 500 - len(memory.deliveries)
    assert listener.put(1000) == listener.put_kept(1001) == [OPEN]


async def test_who_is_kept_is_not_held_off_by_those_that_are_kept(patient: None) -> None:
    listener = Listener(Memory().send)
    listener.lane.fall_behind()
    assert listener.put(1) == [BEHIND]
    assert listener.put_kept(2) == [None]
    await listener.until_heard(1)
    listener.lane.catch_up()
    assert listener.put(3) == [None]
    await listener.until_heard(2)

    assert listener.heard == [(2, Delivered()), (3, Delivered())]


async def test_a_paused_target_gets_nothing(patient: None) -> None:
    memory = Memory()
    listener = Listener(memory.send)
    listener.paused = True

    assert listener.put(1) == listener.put_kept(2) == [PAUSED]
    assert memory.deliveries == []


async def test_a_pause_holds_off_what_waits_already(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT))
    listener.put_kept(100, 101)
    listener.put(102)
    await gate.until_inside(IN_FLIGHT)
    listener.paused = True
    gate.release(IN_FLIGHT)
    await listener.until_heard(IN_FLIGHT + 3)

    assert gate.entered == IN_FLIGHT
    assert [number for number, outcome in listener.heard if outcome is PAUSED] == [100, 101, 102]


async def test_a_target_that_asks_for_less_gets_half_and_then_one_more_with_each_success(
    patient: None, gate: Gate
) -> None:
    outcomes: list[Outcome] = [Delivered(), Busy("busy")]

    async def attempt(_: object) -> Outcome:
        return outcomes.pop(0) if outcomes else await gate.send(delivery())

    listener = Listener(attempt)
    await listener.attempt(0)
    await listener.attempt(1)
    listener.put(*range(2, 102))
    await gate.until_inside(IN_FLIGHT // 2)
    assert gate.entered == IN_FLIGHT // 2
    gate.release(2)
    await listener.until_heard(4)
    listener.put(102, 103, 104)
    await gate.until_inside(IN_FLIGHT // 2 + 2)
    listener.lane.cancel()


async def test_a_target_that_always_asks_for_less_keeps_one_place(patient: None) -> None:
    once: list[Outcome] = [Delivered(), Busy("busy")]
    outcomes = once * 20
    listener = Listener(scripted(*outcomes).send)
    for number in range(len(outcomes)):
        await listener.attempt(number)

    assert listener.outcomes == outcomes


@pytest.mark.parametrize("outcome", [Delivered(), Refused("no"), Gone("gone")])
async def test_a_probe_that_is_answered_closes_the_breaker(outcome: Outcome, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    listener = Listener(scripted(outcome).send)
    listener.lane.breaker.open()

    assert await listener.lane.probe(delivery()) == outcome
    assert listener.lane.breaker.closed
    assert listener.changes == 1, "a drain that waits for it is told"
    assert "hooks.ns.h works again" in caplog.text


@pytest.mark.parametrize("outcome", [DOWN, Busy("busy")])
async def test_a_probe_that_fails_leaves_it_open(outcome: Failure) -> None:
    listener = Listener(scripted(outcome).send)
    listener.lane.breaker.open()

    assert await listener.lane.probe(delivery()) == outcome
    assert listener.lane.breaker.state == "open"
    assert listener.changes == 0


async def test_a_probe_that_could_not_be_made_leaves_the_next_one_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PROBES", (0.0,))
    listener = Listener(scripted(Impossible("a loop"), Delivered()).send)
    listener.lane.breaker.open()

    await listener.lane.probe(delivery())
    assert not listener.lane.breaker.closed
    assert listener.lane.breaker.probe_in == 0
    await listener.lane.probe(delivery())
    assert listener.lane.breaker.closed


async def test_a_success_among_others_does_not_end_the_rest_that_a_target_asked_for(patient: None) -> None:
    outcomes: list[Outcome] = [Busy("busy", 60.0), Delivered(), Refused("no")]
    opened = asyncio.Event()

    async def together(_: object) -> Outcome:
        await opened.wait()
        return outcomes.pop(0)

    listener = Listener(together)
    listener.put(1, 2, 3)
    await asyncio.sleep(0)
    opened.set()
    await listener.until_heard(3)

    assert listener.put(4) == [OPEN]
    assert listener.lane.breaker.probe_in > 59


async def test_it_is_told_once_that_a_target_is_down_and_once_that_it_works(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    listener = Listener(scripted(DOWN, DOWN, Delivered(), Delivered()).send)
    await listener.attempt(1)
    await listener.attempt(2)
    await listener.lane.probe(delivery())
    listener.lane.catch_up()
    await listener.attempt(3)

    assert [record.getMessage() for record in caplog.records] == [
        f"{KEY} is down, its events are kept for later: down",
        f"{KEY} works again",
    ]
    assert listener.changes == 2


async def test_falling_behind_is_told_once() -> None:
    listener = Listener(Memory().send)
    listener.lane.fall_behind()
    listener.lane.fall_behind()
    assert listener.changes == 1

    listener.lane.catch_up()
    listener.lane.fall_behind()
    assert listener.changes == 2


async def test_it_keeps_the_tally(patient: None) -> None:
    listener = Listener(scripted(Delivered(), Refused("no"), Delivered(), Gone("gone")).send)
    for number in range(4):
        await listener.attempt(number)

    tally = listener.lane.tally
    assert (tally.delivered, tally.failed, tally.last) == (2, 2, Gone("gone"))
    assert tally.last_at > 0


async def test_a_fault_of_a_channel_is_told_as_try_later_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener(Broken().send)
    listener.put(*range(IN_FLIGHT * 2))
    await listener.until_heard(IN_FLIGHT * 2)

    assert {type(outcome) for outcome in listener.outcomes} == {TryLater, Held}
    assert "hooks.ns.h" in caplog.text
    assert "LookupError" in caplog.text


async def test_closing_begins_no_more_and_lets_what_is_under_way_end(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT + 3))
    await gate.until_inside(IN_FLIGHT)
    under_way = listener.lane.close()
    gate.release(IN_FLIGHT + 3)
    await asyncio.wait_for(asyncio.gather(*under_way), PROMPTLY)

    assert listener.outcomes == [Delivered()] * IN_FLIGHT
    assert gate.entered == IN_FLIGHT


async def test_cancelling_ends_all_work_without_a_word(patient: None, gate: Gate) -> None:
    listener = Listener(gate.send)
    listener.put(*range(IN_FLIGHT + 3))
    await gate.until_inside(IN_FLIGHT)
    listener.lane.cancel()
    await gate.until_cancelled(IN_FLIGHT)

    assert listener.heard == []
    assert gate.entered == IN_FLIGHT
