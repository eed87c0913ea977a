"""When a target is taken for down, and when for alive."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.delivery.breaker import FAILURES, QUIET_SECONDS, Breaker, State
from app.delivery.retry import PROBES


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_409_366.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """Of a target that has just taken something."""
    made = Breaker(clock)
    made.succeeded()
    return made


def fails(breaker: Breaker, times: int) -> list[bool]:
    return [breaker.failed() for _ in range(times)]


def states(breaker: Breaker) -> tuple[State, bool]:
    return breaker.state, breaker.closed


def test_it_opens_after_ten_failures_in_a_row(breaker: Breaker) -> None:
    assert FAILURES == 10
    assert fails(breaker, 10) == [False] * 9 + [True]
    assert breaker.state == "open"


def test_a_target_that_was_silent_for_two_seconds_is_down_with_the_second_failure(
    breaker: Breaker, clock: Clock
) -> None:
    clock.now += QUIET_SECONDS + 0.1
    assert fails(breaker, 2) == [False, True]


def test_a_target_that_never_took_anything_is_down_with_the_second_failure(clock: Clock) -> None:
    assert fails(Breaker(clock), 2) == [False, True]


def test_a_target_that_fails_every_other_message_stays_closed(breaker: Breaker, clock: Clock) -> None:
    for _ in range(100):
        clock.now += 10
        assert not breaker.failed()
        assert not breaker.succeeded()
    assert breaker.closed


def test_it_opens_once_however_many_fail(breaker: Breaker) -> None:
    fails(breaker, FAILURES)
    assert fails(breaker, 100) == [False] * 100


@pytest.mark.parametrize("begin", [Breaker.open, Breaker.probing])
def test_the_first_success_closes_it(breaker: Breaker, begin: Callable[[Breaker], object]) -> None:
    breaker.open()
    begin(breaker)

    assert breaker.succeeded()
    assert breaker.closed
    assert not breaker.succeeded(), "only the first one is news"


def test_probes_are_made_by_their_schedule(breaker: Breaker, clock: Clock) -> None:
    breaker.open()
    for planned in (*PROBES, PROBES[-1]):
        assert planned <= breaker.probe_in <= planned * 1.2
        clock.now += breaker.probe_in
        assert breaker.probe_in == 0
        breaker.probing()
        assert states(breaker) == ("probing", False)
        breaker.probe_failed()
        assert states(breaker) == ("open", False)


def test_the_schedule_of_probes_begins_anew_each_time_it_opens(breaker: Breaker, clock: Clock) -> None:
    breaker.open()
    for _ in range(10):
        breaker.probe_failed()
    clock.now += breaker.probe_in
    breaker.succeeded()
    breaker.open()

    assert breaker.probe_in <= PROBES[0] * 1.2


def test_a_target_that_asks_for_rest_gets_it_at_once(breaker: Breaker, clock: Clock) -> None:
    assert breaker.failed(60.0)
    assert breaker.probe_in == 60.0
    breaker.failed()
    clock.now += 50
    assert breaker.probe_in == 10.0


def test_the_longest_rest_that_was_asked_for_counts(breaker: Breaker) -> None:
    breaker.failed(60.0)
    breaker.failed(20.0)
    assert breaker.probe_in == 60.0
    breaker.probe_failed(90.0)
    assert breaker.probe_in == 90.0


def test_an_attempt_that_was_under_way_does_not_end_the_rest_that_was_asked_for(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(60.0)
    assert not breaker.succeeded(), "it began before the target asked"
    assert breaker.probe_in == 60.0

    clock.now += 60
    breaker.probing()
    assert breaker.succeeded()


def test_an_answer_of_any_kind_shows_that_the_target_lives(breaker: Breaker) -> None:
    breaker.open()
    assert breaker.answered()
    assert breaker.closed
    assert not breaker.answered()


def test_a_rest_of_before_does_not_last_once_it_has_closed(breaker: Breaker) -> None:
    breaker.failed(3600.0)
    assert breaker.close()
    breaker.open()

    assert breaker.probe_in <= PROBES[0] * 1.2


def test_the_state_says_since_when(breaker: Breaker, clock: Clock) -> None:
    clock.now += 5
    opened = clock.now
    breaker.open()
    clock.now += 5
    breaker.failed()
    assert breaker.since == opened

    breaker.probing()
    assert breaker.since == opened + 5


def test_it_knows_when_the_target_last_took_something(clock: Clock) -> None:
    breaker = Breaker(clock)
    assert breaker.succeeded_at == 0
    breaker.succeeded()
    took = clock.now
    clock.now += 5
    breaker.failed()
    breaker.answered()

    assert breaker.succeeded_at == took
