"""How long publishing is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.jetstream.patience import Patience

Wait = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    now = 0.0

    def later(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("app.jetstream.patience.time.monotonic", lambda: now)
    return later


def waited(pauses: Iterator[float], wait: Wait) -> float:
    """Seconds until there are no more tries, each of which is answered at once with a no."""
    total = 0.0
    for pause in pauses:
        total += pause
        wait(pause)
    return total


def test_who_comes_first_waits_as_long_as_an_election_takes(wait: Wait) -> None:
    assert 7.75 <= waited(Patience(8.25).pauses(), wait) <= 8.25


def test_who_comes_later_waits_for_the_rest_of_it(wait: Wait) -> None:
    patience = Patience(8.25)
    next(patience.pauses())
    wait(4.0)
    assert 3.75 <= waited(patience.pauses(), wait) <= 4.25


def test_a_long_absence_is_told_soon(wait: Wait) -> None:
    patience = Patience(8.25)
    next(patience.pauses())
    wait(60.0)
    assert waited(patience.pauses(), wait) == pytest.approx(1.75)


def test_after_an_answer_it_begins_anew(wait: Wait) -> None:
    patience = Patience(8.25)
    next(patience.pauses())
    wait(60.0)
    patience.answered()
    assert waited(patience.pauses(), wait) > 7


def test_who_has_begun_ends_in_time_though_others_are_answered(wait: Wait) -> None:
    patience = Patience(8.25)
    total = 0.0
    for pause in patience.pauses():
        total += pause
        wait(pause)
        patience.answered()
    assert total <= 8.25
