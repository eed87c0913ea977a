from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_json

from app.notifications.compose import item_of
from app.notifications.formats.notice import Notice
from app.notifications.groups.state import (
    MOST_RECENT,
    MOST_THINGS,
    RESOLVED,
    GroupState,
    Handing,
    Last,
    Thing,
    remembered,
)
from app.notifications.groups.telling import LISTED, Item, again, decide, due, reminder
from app.notifications.groups.terms import Terms
from app.notifications.notification import Notification

NOW = 1_000_000.0
EACH = Terms()
REPEAT = Terms(repeat=3600)
CHANGES = Terms(changes=True)


def item(
    thing: str = "disk", severity: str = "error", *, sequence: int = 1, resolved: bool = False, **more: Any
) -> Item:
    notice = Notice(title=thing, message="", severity=severity, resolved=resolved)
    return Item(sequence, thing, named=True, notice=notice, **more)


def told(state: GroupState, *items: Item, terms: Terms = EACH, now: float = NOW) -> tuple[GroupState, Any]:
    found = decide(state, items, last=max((one.sequence for one in items), default=0), terms=terms, now=now)
    return found.state, found.data


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
    state = standing(GroupState(), item(sequence=1))
    assert again(state, "one", REPEAT) == NOW + 3600
    data = reminder(state, REPEAT, nobody)
    assert data is not None
    assert (data["reminder"], data["count"], [one["title"] for one in data["items"]]) == (True, 1, ["disk"])
    over = standing(state, item(sequence=3, resolved=True))
    assert again(over, "one", REPEAT) is None


def test_only_the_last_message_is_reminded_of() -> None:
    state, _ = told(GroupState(), item(sequence=1), terms=REPEAT)
    assert again(state, "one", REPEAT) is None
    assert again(state.model_copy(update={"last": Last(id="two")}), "one", REPEAT) is None


def test_a_reminder_is_of_all_that_is_not_over_and_not_silenced() -> None:
    state = standing(GroupState(), item("a", sequence=1), item("b", sequence=2), item("c", sequence=3))
    state = standing(state, item("b", sequence=4, resolved=True), item("d", "critical", sequence=5))
    data = reminder(state, REPEAT, nobody)
    assert data is not None
    assert [one["title"] for one in data["items"]] == ["d", "a", "c"]
    assert (data["count"], data["severity"], data["severities"]) == (3, "critical", {"critical": 1, "error": 2})
    some = reminder(state, REPEAT, lambda said: said.data["title"] != "a")
    assert some is not None
    assert (some["count"], [one["title"] for one in some["items"]]) == (1, ["a"])
    assert reminder(state, REPEAT, lambda _: True) is None


def test_a_reminder_of_many_lists_some_and_counts_all() -> None:
    state = standing(GroupState(), *(item(f"{number}", sequence=number) for number in range(1, 101)))
    data = reminder(state, REPEAT, nobody)
    assert data is not None
    assert (data["count"], len(data["items"]), data["more"]) == (100, LISTED, 100 - LISTED)
    assert data["severities"] == {"error": LISTED, "others": 100 - LISTED}


def nobody(_: Notification) -> bool:
    return False


def standing(state: GroupState, *items: Item) -> GroupState:
    """The state after something was told that is to be reminded of."""
    items = tuple(replace(one, about=Notification("p", "c", "error", {"title": one.notice.title})) for one in items)
    found = decide(state, items, max(one.sequence for one in items), REPEAT, NOW)
    return found.state.model_copy(update={"last": Last(id="one", standing=found.standing)})


def test_what_a_message_was_of_is_remembered_as_silences_match_it() -> None:
    about = Notification("p", "c", "error", {"labels": {"team": "x"}})
    long = Notification("p", "c", "error", {"text": "x" * 100_000, "cluster": "a"})
    found = decide(GroupState(), [item(about=about), item("b", sequence=2, about=long)], 2, EACH, NOW)
    expected = [about, Notification("p", "c", "error", {"cluster": "a"})]
    assert [Notification(**one.about) for one in found.standing] == expected


def test_a_recovery_that_is_muted_is_not_told_and_what_comes_after_it_is_new() -> None:
    state, _ = told(GroupState(), item(sequence=1), terms=CHANGES)
    state, over = told(state, item(sequence=2, resolved=True, muted=True), terms=CHANGES)
    assert (over, state.is_over, state.flushed) == (None, True, 2)
    assert told(state, item(sequence=3, resolved=True), terms=CHANGES)[1] is None
    assert told(state, item(sequence=3), terms=CHANGES)[1] is not None


def test_after_a_muted_recovery_the_same_in_one_look_is_new_too() -> None:
    state, _ = told(GroupState(), item(sequence=1), terms=CHANGES)
    both = item(sequence=2, resolved=True, muted=True), item(sequence=3)
    assert told(state, *both, terms=CHANGES)[1] is not None


def test_notifications_count_in_the_order_in_which_they_were_published() -> None:
    overtaken = item(sequence=2, at=10.0), item(sequence=1, at=11.0, resolved=True)
    state, data = told(GroupState(), *overtaken, terms=REPEAT)
    assert (data["resolved"], data["count"]) == (True, 2)
    state, late = told(state, item(sequence=3, at=10.5), terms=REPEAT, now=NOW + 1)
    assert (late, state.flushed, state.is_over) == (None, 3, True)
    assert told(state, item(sequence=4, at=12.0), terms=REPEAT, now=NOW + 2)[1] is not None


def test_a_severity_that_is_called_like_a_recovery_is_none() -> None:
    _, data = told(GroupState(), item(severity="resolved"), terms=CHANGES)
    assert (data["resolved"], data["severity"]) == (False, "resolved")


def test_the_largest_state_fits_into_a_message_of_nats() -> None:
    long = "\x01" * 64
    notice = Notice("\x01" * 1000, "\x01" * 65_536, long, "https://" + "x" * 1990, "\x01" * 500, source="\x01" * 200)
    notice = replace(notice, fields={f"{number:02}" + "\x01" * 198: "\x01" * 500 for number in range(22)})
    by = {f"{number:0256}": "\x01" * 200 for number in range(10)}
    about = Notification("\x01" * 1000, "\x01" * 1000, "\x01" * 64, {"a": "x" * 2_900, "b": "y" * 29_000})
    many = [
        Item(number, f"{number:018x}", named=True, notice=replace(notice, severity=long[:63] + chr(5000 + number)))
        for number in range(MOST_THINGS)
    ]
    for some in (many, many[:1]):
        items = [replace(one, about=about, at=NOW + 0.123456789) for one in some]
        verdict = decide(GroupState(), items, 1, Terms(by=by, repeat=1), NOW + 0.123456789)
        assert verdict.data is not None
        handing = Handing(id="x" * 36, data=verdict.data, remind=True)
        last = Last(id="x" * 36, standing=verdict.standing)
        whole = verdict.state.model_copy(update={"handing": handing, "last": last})
        assert len(to_json(whole.model_dump(exclude_defaults=True))) < 1_000_000


def test_many_severities_are_counted_as_others() -> None:
    _, data = told(GroupState(), *(item(str(number), f"odd {number}", sequence=number) for number in range(50)))
    assert (len(data["severities"]), data["severities"]["others"]) == (11, 40)


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
    whole = standing(GroupState(), item(sequence=7))
    assert GroupState.read(to_json(whole.model_dump(exclude_defaults=True))) == whole


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
