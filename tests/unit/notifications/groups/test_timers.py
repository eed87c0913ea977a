from __future__ import annotations

from app.notifications.groups.terms import Terms
from app.notifications.groups.timers import GRACE, Timers, look
from app.notifications.groups.waiting import Waiting

NOW = 1_000_000.0
HOUR = Terms(wait=3600)


def waiting(sequence: int, group: str = "g", terms: Terms = HOUR) -> Waiting:
    return Waiting("operators", group, sequence, NOW, terms)


def test_the_first_of_a_group_is_looked_at_before_it_is_due_as_clocks_may_be_set() -> None:
    assert Timers().pause(waiting(1), NOW + 3600, NOW) == 360
    assert Timers().pause(waiting(1, terms=Terms(wait=30)), NOW + 30, NOW) == 30
    assert look(30) == 60


def test_it_stays_the_timer_however_often_it_comes() -> None:
    timers = Timers()
    assert [timers.pause(waiting(1), NOW + 3600, NOW + look) for look in (0, 360, 3500)] == [360, 360, 100]


def test_what_comes_with_it_comes_after_it() -> None:
    timers = Timers()
    timers.pause(waiting(1), NOW + 3600, NOW)
    assert 3600 + GRACE <= timers.pause(waiting(2), NOW + 3600, NOW) <= 3600 + 2 * GRACE


def test_a_follower_waits_no_longer_than_its_terms_whatever_the_clock_says() -> None:
    timers = Timers()
    timers.pause(waiting(1), NOW + 90_000, NOW)
    assert timers.pause(waiting(2), NOW + 90_000, NOW) <= 3600 + 2 * GRACE


def test_what_is_due_before_it_or_well_after_it_is_a_timer_too() -> None:
    timers = Timers()
    timers.pause(waiting(1), NOW + 3600, NOW)
    assert timers.pause(waiting(2, terms=Terms(wait=30)), NOW + 30, NOW) == 30
    assert timers.pause(waiting(3), NOW + 3600, NOW) == 360


def test_what_came_before_a_timer_never_follows_it() -> None:
    one, other = Timers(), Timers()  # of two replicas
    one.pause(waiting(1), NOW + 3600, NOW)
    other.pause(waiting(2), NOW + 3600, NOW)
    assert other.pause(waiting(1), NOW + 3600, NOW) == 360
    assert one.pause(waiting(2), NOW + 3600, NOW) > 3600


def test_nothing_follows_a_timer_that_was_due_before_now() -> None:
    timers = Timers()
    timers.pause(waiting(1), NOW + 1, NOW)
    assert timers.pause(waiting(2), NOW + 2, NOW + 1) == 1


def test_groups_have_timers_of_their_own() -> None:
    timers = Timers()
    timers.pause(waiting(1), NOW + 3600, NOW)
    assert timers.pause(waiting(2, "other"), NOW + 3600, NOW) == 360
