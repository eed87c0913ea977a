"""What several processes say of a target, as one state."""

from __future__ import annotations

from typing import Any

import pytest

from app.delivery.ledger.live import LiveState, merged


def state(**changes: Any) -> LiveState:
    plain = {"breaker": "closed", "since": 1.0, "in_flight": 0, "queued": 0, "delivered": 0, "failed": 0}
    return LiveState(**{**plain, **changes})


def test_of_nothing_there_is_no_state() -> None:
    assert merged([]) is None


def test_one_state_stands_for_itself() -> None:
    only = state(breaker="probing", in_flight=3, last_error="x", last_error_at=5.0, last_error_status=500)
    assert merged([only]) == only


@pytest.mark.parametrize(
    ("breakers", "worst"),
    [(["closed", "open"], "open"), (["probing", "closed"], "probing"), (["probing", "open", "closed"], "open")],
)
def test_the_worst_breaker_counts(breakers: list[str], worst: str) -> None:
    whole = merged(state(breaker=breaker) for breaker in breakers)
    assert whole is not None
    assert whole.breaker == worst


def test_the_breaker_is_open_since_the_first_process_opened_it() -> None:
    whole = merged([state(breaker="open", since=9.0), state(breaker="open", since=7.0), state(since=1.0)])
    assert whole is not None
    assert whole.since == 7.0


def test_numbers_add_up_and_the_newest_error_is_kept() -> None:
    whole = merged(
        [
            state(in_flight=1, queued=2, delivered=3, failed=4, last_error="old", last_error_at=5.0),
            state(in_flight=10, queued=20, delivered=30, failed=40, last_error="new", last_error_at=6.0),
        ]
    )
    assert whole == state(
        in_flight=11, queued=22, delivered=33, failed=44, last_error="new", last_error_at=6.0, last_error_status=None
    )
