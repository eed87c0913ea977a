"""What a status means for a delivery, and how a Retry-After is read."""

from __future__ import annotations

import datetime as dt
import email.utils
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.delivery.channels.http import judge, seconds
from app.delivery.outcome import Answer, Busy, Delivered, Gone, Outcome, Refused, TryLater

NOW = 1_795_409_366.0
ENDPOINT_AT_FAULT = {401, 402, 403, 404, 405, 407, 408, 421, 423, 424, 425}


def wanted(status: int) -> type[Outcome]:
    """The rule, said another way."""
    special: dict[int, type[Outcome]] = {410: Gone, 429: Busy, 503: Busy} | dict.fromkeys(ENDPOINT_AT_FAULT, TryLater)
    by_hundreds: dict[int, type[Outcome]] = {2: Delivered, 4: Refused}
    return special.get(status) or by_hundreds.get(status // 100, TryLater)


@pytest.mark.parametrize("status", [*range(100, 600), 0, 600, 999])
def test_a_status_says_who_is_at_fault(status: int) -> None:
    answer = Answer(status, b"said")
    outcome = judge(answer, "60")

    assert type(outcome) is wanted(status)
    assert outcome.answer == answer
    if isinstance(outcome, TryLater | Busy):
        assert outcome.after == 60.0
    if not isinstance(outcome, Delivered):
        assert outcome.reason.startswith(f"the endpoint answered {status}")


@pytest.mark.parametrize("status", [429, 503, 500, 302])
@pytest.mark.parametrize("header", [None, "soon"])
def test_without_a_retry_after_that_can_be_read_the_schedule_is_ours(status: int, header: str | None) -> None:
    outcome = judge(Answer(status), header)

    assert isinstance(outcome, TryLater | Busy)
    assert outcome.after is None


@pytest.mark.parametrize(("header", "expected"), [("0", 0.0), ("7", 7.0), ("007", 7.0), ("3600", 3600.0)])
def test_seconds_are_read(header: str, expected: float) -> None:
    assert seconds(header) == expected


@pytest.mark.parametrize(
    "header", [None, "", " ", "soon", "-5", "1.5", "1e3", "٣", "²", "0x10", "5 s", "inf", "nan", "Mon", "2026-11-23"]
)
def test_what_is_neither_seconds_nor_a_date_is_none(header: str | None) -> None:
    assert seconds(header) is None


@pytest.mark.parametrize(("ahead", "expected"), [(90, 90.0), (0, 0.0), (-90, 0.0), (86400, 86400.0)])
def test_a_date_is_read_as_the_seconds_until_then(monkeypatch: pytest.MonkeyPatch, ahead: int, expected: float) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    date = dt.datetime.fromtimestamp(NOW + ahead, dt.UTC)

    assert seconds(email.utils.format_datetime(date, usegmt=True)) == expected
    assert seconds(email.utils.format_datetime(date.astimezone(dt.timezone(dt.timedelta(hours=8))))) == expected


@given(
    st.text()
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} Jan \d{1,25} \d{2}:\d{2}:\d{2} ([+-]\d{1,25}|GMT)", fullmatch=True)
)
@example("Mon, 01 Jan 2026 00:00:00 +99999999999999999999")
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 -0000")
@example("9" * 400)
@example("9" * 5000)
def test_a_header_of_any_kind_is_seconds_or_none_but_never_an_error(header: str) -> None:
    found = seconds(header)

    assert found is None or found >= 0
