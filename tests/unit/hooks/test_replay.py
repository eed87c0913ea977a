"""What a client may ask of a replay, and what is refused by field."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidResourceError
from app.hooks.replays.replay import Record, Replay, read_wanted

MOMENT = dt.datetime(2026, 11, 23, 4, 50, 41, 500_000, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-23T04:50:41.5Z",
        "2026-11-23t04:50:41.5z",
        "2026-11-23T05:50:41.500+01:00",
        "2026-11-23 04:50:41.500000+00:00",
        1795409441500,
    ],
)
def test_a_time_may_be_written_in_several_ways(time: str | int) -> None:
    assert read_wanted({"from": {"time": time}}).origin.time == MOMENT


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "from: "),
        ({"from": 5}, "from: must be an object"),
        ({"from": {}}, "from: must have one of time, sequence, dead_letters"),
        ({"from": {"time": 1, "sequence": 1}}, "from: must have one of"),
        ({"from": {"sequence": None}}, "from: must have one of"),
        ({"from": {"sequence": 1, "time": None}}, "from: must have one of"),
        ({"from": {"time": "yesterday"}}, "from.time: must be RFC 3339"),
        ({"from": {"time": "2026-11-23T04:50:41"}}, "from.time: must be RFC 3339"),
        ({"from": {"time": "2026-02-30T00:00:00Z"}}, "from.time: must be RFC 3339"),
        ({"from": {"time": "0001-01-01T00:00:00+12:00"}}, "from.time: must be RFC 3339"),
        ({"from": {"time": True}}, "from.time: must be RFC 3339"),
        ({"from": {"time": -1}}, "from.time: must be RFC 3339"),
        ({"from": {"time": 10**18}}, "from.time: must be RFC 3339"),
        ({"from": {"time": 1.5}}, "from.time: must be RFC 3339"),
        ({"from": {"sequence": 0}}, "from.sequence: "),
        ({"from": {"sequence": "1"}}, "from.sequence: "),
        ({"from": {"sequence": 2**63}}, "from.sequence: "),
        ({"from": {"dead_letters": False}}, "from.dead_letters: "),
        ({"from": {"dead_letters": True}, "until": {"sequence": 9}}, "until: is of no use"),
        ({"from": {"sequence": 1}, "until": {}}, "until: must have one of time, sequence"),
        ({"from": {"sequence": 1}, "until": {"dead_letters": True}}, "until.dead_letters: is not known here"),
        ({"from": {"sequence": 1}, "rate": 0}, "rate: "),
        ({"from": {"sequence": 1}, "rate": 1001}, "rate: "),
        ({"from": {"sequence": 1}, "rate": 1.5}, "rate: "),
        ({"from": {"sequence": 1}, "speed": 1}, "speed: is not known here"),
        ({"origin": {"sequence": 1}}, "origin: is not known here"),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_field(body: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidResourceError) as refusal:
        read_wanted(body)
    assert problem in str(refusal.value)
    assert "Origin" not in str(refusal.value), "our classes are nobody's business"


def test_the_rate_has_a_default() -> None:
    assert read_wanted({"from": {"sequence": 1}}).rate == 50


ORIGINS = st.one_of(
    st.builds(lambda number: {"sequence": number}, st.integers(1, 2**63 - 1)),
    st.builds(lambda number: {"time": number}, st.integers(0, 253_402_300_799_999)),
    st.just({"dead_letters": True}),
)


@given(ORIGINS, st.integers(1, 1000))
def test_a_record_is_read_as_it_was_written(origin: dict[str, Any], rate: int) -> None:
    wanted = read_wanted({"from": origin, "rate": rate})
    replay = Replay(
        id="r1",
        namespace="default",
        hook="one.with.dots",
        origin=wanted.origin,
        until=wanted.until,
        rate=wanted.rate,
        first=1,
        last=2,
        position=0,
        total=2,
        started="2026-11-23T04:50:41.500Z",
    )
    record = Record(replay=replay, owner="somebody")
    written = record.model_dump_json(by_alias=True)
    assert Record.model_validate_json(written) == record
    assert '"from":{' in written


def test_an_error_that_was_met_on_the_way_is_still_told_at_the_end() -> None:
    replay = Replay(
        id="r1",
        namespace="default",
        hook="one",
        origin=read_wanted({"from": {"sequence": 1}}).origin,
        until=None,
        rate=1,
        first=1,
        last=1,
        position=1,
        total=1,
        started="2026-11-23T04:50:41.500Z",
        error="the message 1 was not copied",
    )
    assert replay.end("done", MOMENT.timestamp()).error == "the message 1 was not copied"
    assert replay.end("failed", MOMENT.timestamp(), "the hook was deleted").error == "the hook was deleted"
    assert replay.end("done", MOMENT.timestamp()).ended == "2026-11-23T04:50:41.500Z"
