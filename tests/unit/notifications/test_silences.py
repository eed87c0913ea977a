from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app.errors import InvalidResourceError
from app.notifications.notification import Notification
from app.notifications.silences.registry import parse

BASE: dict[str, Any] = {
    "match": {"data": {"cluster": "a"}},
    "from": "2026-11-24T10:00:00Z",
    "to": "2026-11-24T12:00:00+00:00",
    "author": "me",
    "reason": "work",
}
BEGIN = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(("after", "mutes"), [(-1, False), (0, True), (7199, True), (7200, False)])
def test_a_silence_mutes_from_its_beginning_until_before_its_end(after: float, mutes: bool) -> None:  # noqa: FBT001
    assert parse(BASE).mutes(Notification(data={"cluster": "a"}), BEGIN + after) is mutes


def test_a_silence_mutes_only_what_it_matches() -> None:
    assert not parse(BASE).mutes(Notification(data={"cluster": "b"}), BEGIN)


def test_its_end_is_told_of_before_but_never_before_it_has_begun() -> None:
    assert parse(BASE).notice_at == BEGIN + 7200 - 900
    assert parse({**BASE, "noticeBefore": "5h"}).notice_at == BEGIN


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"match": {}}, "would mute everything"),
        ({"to": "2026-11-24T10:00:00Z"}, "must be after from"),
        ({"to": "2027-11-24T10:00:00Z"}, "at most 30 days"),
        ({"from": "2026-11-24T10:00:00"}, "from"),
        ({"author": ""}, "author"),
        ({"reason": None}, "reason"),
        ({"odd": 1}, "odd"),
        ({"match": {"severity": {"atLeast": "odd"}}}, "match"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_field(change: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidResourceError) as refused:
        parse({**BASE, **change})
    assert why in str(refused.value)


def test_it_is_written_as_it_is_read() -> None:
    silence = parse(BASE)
    assert parse(silence.model_dump(mode="json", by_alias=True)) == silence
