"""The schedule of tries, and what an answer means for the next one."""

from __future__ import annotations

import datetime as dt
import email.utils
import itertools
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.delivery.channels.http import judge, seconds
from app.delivery.outcome import Delivered, Refused, TryLater
from app.delivery.retry import SCHEDULE, delay

HOUR = 3600.0
NOW = 1_795_409_366.0


def test_the_schedule_grows() -> None:
    assert all(one < other for one, other in itertools.pairwise(SCHEDULE))


@pytest.mark.parametrize(("tried", "planned"), list(enumerate(SCHEDULE, start=1)))
def test_a_delay_is_the_schedules_and_up_to_a_fifth_more(tried: int, planned: float) -> None:
    drawn = [delay(tried) for _ in range(500)]

    assert planned <= min(drawn) < planned * 1.05
    assert planned * 1.15 < max(drawn) <= planned * 1.2


@given(st.integers(len(SCHEDULE), 10**9))
def test_many_tries_stay_at_the_last_step(tried: int) -> None:
    assert SCHEDULE[-1] <= delay(tried) <= SCHEDULE[-1] * 1.2


@given(st.integers(1, 100), st.floats(0, HOUR))
@example(1, 0.0)
def test_a_retry_after_is_obeyed_but_never_shortens_the_schedule(tried: int, after: float) -> None:
    wanted = max(after, SCHEDULE[min(tried, len(SCHEDULE)) - 1])

    assert wanted <= delay(tried, after) <= wanted * 1.2


@given(st.integers(1, 100), st.floats(HOUR, allow_nan=False, allow_infinity=True))
@example(1, float("inf"))
@example(1, 1e300)
def test_a_retry_after_of_more_than_an_hour_is_taken_for_an_hour(tried: int, after: float) -> None:
    assert HOUR <= delay(tried, after) <= HOUR * 1.2


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_a_success_is_delivered(status: int) -> None:
    assert judge(status) == Delivered(status)
    assert judge(status, "60") == Delivered(status)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 410, 413, 415, 422, 499])
def test_a_redirect_or_a_client_error_is_refused(status: int) -> None:
    assert judge(status, "60") == Refused(f"the endpoint answered {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 599])
def test_a_server_error_and_a_passing_client_error_are_tried_later(status: int) -> None:
    assert judge(status) == TryLater(f"the endpoint answered {status}")
    assert judge(status, "60") == TryLater(f"the endpoint answered {status}", 60.0)
    assert judge(status, "soon") == TryLater(f"the endpoint answered {status}")


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
