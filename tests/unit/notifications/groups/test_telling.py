from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.notifications.compose import item_of
from app.notifications.formats.notice import Notice
from app.notifications.groups.state import MOST_RECENT, MOST_THINGS, RESOLVED, GroupState, Thing, remembered
from app.notifications.groups.telling import LISTED, Item, decide, due, remind
from app.notifications.groups.terms import Terms

NOW = 1_000_000.0
EACH = Terms()
REPEAT = Terms(repeat=3600)
CHANGES = Terms(changes=True)


def item(
    thing: str = "disk",
    severity: str = "error",
    *,
    sequence: int = 1,
    resolved: bool = False,
    count: int = 1,
    identity: str = "",
) -> Item:
    notice = Notice(title=thing, message="", severity=severity, resolved=resolved)
    return Item(sequence, thing, named=True, notice=notice, count=count, identity=identity)


def told(state: GroupState, *items: Item, terms: Terms = EACH, now: float = NOW) -> tuple[GroupState, Any]:
    return decide(state, items, last=max((one.sequence for one in items), default=0), terms=terms, now=now)


def test_the_first_of_a_group_waits_its_wait() -> None:
    assert due(Terms(wait=30, interval=300), NOW, GroupState()) == NOW + 30


def test_what_comes_after_a_message_waits_for_the_interval_but_no_less_than_its_wait() -> None:
    terms = Terms(wait=30, interval=300)
    assert due(terms, NOW, GroupState(told=NOW - 10)) == NOW + 290
    assert due(terms, NOW, GroupState(told=NOW - 290)) == NOW + 30


def test_all_things_are_told_in_one_message_the_worst_first() -> None:
    state, data = told(GroupState(), item("a", "info", sequence=1), item("b", "critical", sequence=2))
    assert [one["title"] for one in data["items"]] == ["b", "a"]
    assert (data["count"], data["severity"], data["severities"]) == (2, "critical", {"critical": 1, "info": 1})
    assert (state.flushed, state.told) == (2, NOW)


def test_of_one_thing_the_last_word_counts_and_how_often_it_was_said() -> None:
    _, data = told(GroupState(), item(sequence=1), item(severity="warning", sequence=2), item("b", sequence=3))
    assert {(one["title"], one["severity"], one["times"]) for one in data["items"]} == {
        ("disk", "warning", 2),
        ("b", "error", 1),
    }


def test_a_message_lists_so_many_and_counts_the_others() -> None:
    _, data = told(GroupState(), *(item(f"disk {number}", sequence=number) for number in range(1, 101)))
    assert (len(data["items"]), data["more"], data["count"]) == (LISTED, 100 - LISTED, 100)


def test_what_was_told_is_told_again_only_after_its_repeat() -> None:
    state, data = told(GroupState(), item(sequence=1), terms=REPEAT)
    assert data is not None
    state, data = told(state, item(sequence=2), terms=REPEAT, now=NOW + 3599)
    assert (state.flushed, data) == (2, None)
    state, data = told(state, item(sequence=3), terms=REPEAT, now=NOW + 3600)
    assert data is not None
    assert state.told == NOW + 3600


def test_without_a_repeat_each_is_told() -> None:
    state, _ = told(GroupState(), item(sequence=1))
    assert told(state, item(sequence=2))[1] is not None


@pytest.mark.parametrize("terms", [REPEAT, CHANGES])
def test_another_severity_is_told_at_once(terms: Terms) -> None:
    state, _ = told(GroupState(), item(sequence=1), terms=terms)
    assert told(state, item(severity="critical", sequence=2), terms=terms)[1]["severity"] == "critical"


def test_with_changes_only_a_change_and_the_recovery_are_told() -> None:
    state, first = told(GroupState(), item(sequence=1), terms=CHANGES)
    state, same = told(state, item(sequence=2), terms=CHANGES, now=NOW + 1e6)
    state, over = told(state, item(sequence=3, resolved=True), terms=CHANGES)
    state, again = told(state, item(sequence=4, resolved=True), terms=CHANGES)
    assert (first["resolved"], same, over["resolved"], again) == (False, None, True, None)


def test_with_changes_what_was_over_before_anybody_heard_of_it_is_not_told() -> None:
    assert told(GroupState(), item(sequence=1), item(sequence=2, resolved=True), terms=CHANGES)[1] is None


def test_with_changes_and_a_repeat_what_stays_bad_is_told_again_and_what_is_over_is_not() -> None:
    terms = replace_terms(CHANGES, repeat=60)
    state, _ = told(GroupState(), item(sequence=1), terms=terms)
    state, again = told(state, item(sequence=2), terms=terms, now=NOW + 60)
    assert again is not None
    state, _ = told(state, item(sequence=3, resolved=True), terms=terms, now=NOW + 61)
    assert told(state, item(sequence=4, resolved=True), terms=terms, now=NOW + 1e6)[1] is None


def replace_terms(terms: Terms, **changes: Any) -> Terms:
    return terms.model_copy(update=changes)


def test_a_group_is_over_when_all_its_things_are() -> None:
    state, _ = told(GroupState(), item("a", sequence=1), item("b", sequence=2))
    state, one = told(state, item("a", sequence=3, resolved=True))
    state, all_ = told(state, item("b", sequence=4, resolved=True))
    assert (one["resolved"], all_["resolved"]) == (False, True)


def test_what_is_still_so_is_told_again_by_itself_and_what_is_over_is_not() -> None:
    state, data = told(GroupState(), item(sequence=1), terms=REPEAT)
    state = state.model_copy(update={"last": data})
    assert remind(state, 2, REPEAT, NOW + 3599).data is None
    verdict = remind(state, 2, REPEAT, NOW + 3600)
    assert verdict.data is not None
    assert verdict.data["reminder"]
    assert (verdict.state.flushed, verdict.state.told) == (2, NOW + 3600)
    over, _ = told(state, item(sequence=3, resolved=True), terms=REPEAT)
    assert remind(over, 4, REPEAT, NOW + 1e6).data is None


def test_what_stands_for_many_counts_as_many() -> None:
    _, data = told(GroupState(), item("a", sequence=1, count=40), item("b", sequence=2))
    assert data["count"] == 41


def test_an_unknown_severity_stands_with_info_and_keeps_its_name() -> None:
    _, data = told(
        GroupState(), item("a", "odd", sequence=1), item("b", "warning", sequence=2), item("c", "", sequence=3)
    )
    assert [one["title"] for one in data["items"]] == ["b", "a", "c"]
    assert data["severities"] == {"warning": 1, "odd": 1, "without severity": 1}


def test_a_long_message_among_others_is_cut() -> None:
    long = replace(item("a").notice, message="x" * 100_000)
    one, two = replace(item("a"), notice=long), item("b", sequence=2)
    assert len(told(GroupState(), one)[1]["items"][0]["message"]) == 16_384
    assert {len(listed["message"]) for listed in told(GroupState(), one, two)[1]["items"]} == {1_000, 0}


def test_a_state_is_read_as_it_was_written() -> None:
    state, data = told(GroupState(), item(sequence=7), terms=REPEAT)
    whole = state.model_copy(update={"last": data})
    assert GroupState.read(whole.model_dump_json(exclude_defaults=True).encode()) == whole


def test_what_is_no_state_begins_anew() -> None:
    assert GroupState.read(b"nothing") == GroupState()


def test_of_too_many_things_those_that_are_over_are_forgotten_first_then_the_oldest() -> None:
    things = {f"open {number}": Thing("error", float(number)) for number in range(MOST_THINGS)}
    kept = remembered({"over": Thing(RESOLVED, 1e9), "new": Thing("error", 1e9), **things})
    assert len(kept) == MOST_THINGS
    assert "over" not in kept
    assert "open 0" not in kept
    assert "new" in kept


def test_an_item_says_all_of_its_notice() -> None:
    notice = Notice("t", "m", "error", "https://a", "k", resolved=True, source="s", fields={"a": "b"})
    assert {**item_of(notice, 3)} == {
        "title": "t",
        "message": "m",
        "severity": "error",
        "link": "https://a",
        "key": "k",
        "resolved": True,
        "source": "s",
        "fields": {"a": "b"},
        "times": 3,
    }


def test_a_copy_of_a_notification_that_waits_counts_once() -> None:
    _, data = told(GroupState(), item(sequence=1, identity="1-a"), item(sequence=2, identity="1-a"))
    assert (data["count"], data["items"][0]["times"]) == (1, 1)


def test_a_copy_of_a_notification_that_was_told_is_not_told_again() -> None:
    state, _ = told(GroupState(), item(sequence=1, identity="1-a"))
    state, data = told(state, item(sequence=2, identity="1-a"), now=NOW + 3600)
    assert (data, state.flushed) == (None, 2)
    _, data = told(state, item(sequence=3, identity="3-b"))
    assert data["count"] == 1


def test_so_many_of_the_notifications_told_last_are_remembered() -> None:
    state, _ = told(GroupState(), *(item(str(n), sequence=n, identity=str(n)) for n in range(1, MOST_RECENT + 11)))
    assert (len(state.recent), state.recent[0]) == (MOST_RECENT, "11")
    assert GroupState.read(state.model_dump_json().encode()).recent == state.recent
