"""How long is waited before the API is asked again: longer each time, within bounds, and by chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.kubernetes.backoff import FORBIDDEN, NOT_INSTALLED, ORDINARY, Schedule, asked


def test_pauses_double_up_to_the_longest() -> None:
    assert [ORDINARY.seconds(failures, max) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert [ORDINARY.seconds(failures, min) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_what_somebody_has_to_mend_is_asked_for_more_rarely_and_what_is_to_come_evenly() -> None:
    assert FORBIDDEN.seconds(100, max) == 60
    assert {NOT_INSTALLED.seconds(failures, max) for failures in range(1, 100)} == {10}


@given(
    st.sampled_from([ORDINARY, FORBIDDEN, NOT_INSTALLED]),
    st.integers(min_value=1, max_value=10**9),
    st.floats(min_value=0, max_value=1),
)
def test_no_pause_is_nothing_or_longer_than_the_longest(schedule: Schedule, failures: int, chance: float) -> None:
    pause = schedule.seconds(failures, lambda low, high: low + (high - low) * chance)

    assert 0.5 <= pause <= schedule.longest


def test_those_that_fail_together_do_not_come_back_together() -> None:
    assert len({ORDINARY.seconds(5, random.uniform) for _ in range(100)}) > 90


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5), ("0", 0), ("61", 60), ("9" * 400, 60), (None, 0), ("", 0), ("-1", 0), ("1.5", 0), ("²", 0), ("Wed", 0)],
)
def test_a_retry_after_counts_where_it_is_seconds_up_to_a_minute(header: str | None, seconds: float) -> None:
    assert asked(header) == seconds
