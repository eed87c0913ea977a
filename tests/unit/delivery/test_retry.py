"""The schedules of tries, and what a failure means for the message."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.delivery.outcome import Busy, Failure, Gone, Impossible, Refused, TryLater
from app.delivery.retry import (
    LONGEST,
    PROBES,
    REFUSED,
    SCHEDULE,
    Again,
    Bury,
    Debt,
    after_failure,
    asked,
    jittered,
    probe_pause,
)

NOW = 1_795_409_366.0
DOWN, BUSY, NO, GONE = TryLater("down"), Busy("busy"), Refused("no"), Gone("gone")


def failed_before(tries: int = 0, attempts: int = 1) -> Debt:
    return Debt(tries=tries, attempts=attempts, failed=NOW - 60)


def verdict(debt: Debt, outcome: Failure, took_others: float = 0.0) -> Again | Bury:
    return after_failure(debt, outcome, now=NOW, took_others=took_others)


def again(debt: Debt, outcome: Failure, took_others: float = 0.0) -> Again:
    found = verdict(debt, outcome, took_others)
    assert isinstance(found, Again)
    return found


@pytest.mark.parametrize("schedule", [SCHEDULE, REFUSED, PROBES])
def test_the_schedules_grow(schedule: tuple[float, ...]) -> None:
    assert all(one < other for one, other in itertools.pairwise(schedule))


def test_the_return_of_a_target_is_noticed_within_five_seconds() -> None:
    assert max(probe_pause(10**6) for _ in range(500)) < 5


@pytest.mark.parametrize("seconds", [0.5, 30.0, 7200.0])
def test_a_pause_is_drawn_from_the_planned_one_to_a_fifth_more(seconds: float) -> None:
    drawn = [jittered(seconds) for _ in range(500)]

    assert seconds <= min(drawn) < seconds * 1.05
    assert seconds * 1.15 < max(drawn) <= seconds * 1.2


@pytest.mark.parametrize(("failures", "planned"), [*enumerate(PROBES), (len(PROBES), PROBES[-1]), (10**9, PROBES[-1])])
def test_the_last_pause_between_probes_repeats(failures: int, planned: float) -> None:
    assert planned <= probe_pause(failures) <= planned * 1.2


@pytest.mark.parametrize("outcome", [DOWN, BUSY, GONE])
def test_a_first_failure_that_may_be_the_targets_fault_counts_nothing(outcome: Failure) -> None:
    found = again(Debt(), outcome, took_others=NOW)

    assert found.debt == Debt(tries=0, attempts=1, failed=NOW, not_before=NOW + found.seconds)
    assert SCHEDULE[0] <= found.seconds <= SCHEDULE[0] * 1.2


@pytest.mark.parametrize("outcome", [DOWN, BUSY, GONE])
@pytest.mark.parametrize("took_others", [0.0, NOW - 61, NOW - 60])
def test_a_target_that_took_nothing_since_costs_time_and_no_tries(outcome: Failure, took_others: float) -> None:
    found = again(failed_before(tries=3, attempts=5), outcome, took_others)

    assert (found.debt.tries, found.debt.attempts) == (3, 6)
    assert SCHEDULE[2] <= found.seconds <= SCHEDULE[2] * 1.2


@given(st.integers(0, 10**6))
def test_a_target_that_is_down_never_makes_dead_letters(attempts: int) -> None:
    assert again(failed_before(attempts=attempts), DOWN).debt.tries == 0


@pytest.mark.parametrize("outcome", [DOWN, BUSY, GONE])
def test_a_failure_counts_where_the_target_took_others_since_the_last_one(outcome: Failure) -> None:
    assert again(failed_before(), outcome, took_others=NOW - 59).debt.tries == 1


@pytest.mark.parametrize(("tries", "planned"), list(enumerate(SCHEDULE)))
def test_a_message_at_fault_is_tried_by_the_schedule(tries: int, planned: float) -> None:
    found = again(failed_before(tries), DOWN, took_others=NOW)

    assert found.debt.tries == tries + 1
    assert planned <= found.seconds <= planned * 1.2
    assert found.debt.not_before == NOW + found.seconds


def test_after_its_tries_a_message_is_given_up() -> None:
    found = verdict(failed_before(len(SCHEDULE), attempts=12), DOWN, took_others=NOW)

    tries = len(SCHEDULE) + 1
    assert found == Bury(Debt(tries=tries, attempts=13, failed=NOW), f"given up after {tries} tries: down")


def test_a_refusal_counts_from_the_first_and_has_a_schedule_of_its_own() -> None:
    debt, seconds = Debt(), []
    for _ in REFUSED:
        found = again(debt, NO)
        debt = found.debt
        seconds.append(found.seconds)

    assert [planned <= drawn <= planned * 1.2 for planned, drawn in zip(REFUSED, seconds, strict=True)] == [True] * 3
    assert verdict(debt, NO) == Bury(
        Debt(tries=4, attempts=4, failed=NOW, not_before=debt.not_before), "given up after 4 tries: no"
    )


def test_what_no_attempt_can_do_is_given_up_at_once() -> None:
    assert verdict(Debt(), Impossible("it goes round in a loop")) == Bury(Debt(), "it goes round in a loop")


@given(st.floats(0, LONGEST))
@example(0.0)
def test_what_the_endpoint_asks_for_is_waited_and_never_less_than_the_schedule(after: float) -> None:
    for outcome in (Busy("busy", after), TryLater("down", after)):
        found = again(Debt(), outcome)
        assert max(after, SCHEDULE[0]) <= found.seconds <= max(after, SCHEDULE[0] * 1.2)


@given(st.floats(LONGEST, allow_nan=False, allow_infinity=True))
@example(float("inf"))
@example(1e300)
def test_more_than_an_hour_is_taken_for_an_hour(after: float) -> None:
    assert asked(Busy("busy", after)) == asked(TryLater("down", after)) == LONGEST == 3600.0


@pytest.mark.parametrize("outcome", [BUSY, DOWN, NO, GONE, Impossible("never")])
def test_who_asks_nothing_is_not_waited_for(outcome: Failure) -> None:
    assert asked(outcome) == 0.0
