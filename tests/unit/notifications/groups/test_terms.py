from __future__ import annotations

from typing import Any

import pytest

from app.notifications.destinations.rates import Rate
from app.notifications.groups.terms import HELD, Terms, beyond, terms_of, thing_of
from app.notifications.notification import Notification
from app.notifications.routing.configuration import Group


def notification(provider: str = "p", severity: str = "error", **data: Any) -> Notification:
    return Notification(provider, "c", severity, data)


def test_the_same_values_are_the_same_group_and_others_another() -> None:
    group = Group(by=("cluster", "provider"))
    one = terms_of(group, notification(cluster="a", title="x"))
    assert one.by == {"cluster": "a", "provider": "p"}
    assert one.group == terms_of(group, notification(cluster="a", title="y")).group
    assert one.group != terms_of(group, notification(cluster="b")).group
    assert one.group != terms_of(group, notification("q", cluster="a")).group


def test_a_field_that_is_not_there_is_a_value_too() -> None:
    group = Group(by=("cluster",))
    assert terms_of(group, notification()).by == {"cluster": ""}


def test_times_make_no_other_group_so_that_a_change_of_them_keeps_what_was_told() -> None:
    said = notification(cluster="a")
    assert terms_of(Group(by=("cluster",), wait=1), said).group == terms_of(Group(by=("cluster",), wait=2), said).group


@pytest.mark.parametrize("value", ["ä", "a\nb", "\ud800", "x" * 10_000, "a.b *>"])
def test_terms_stand_in_a_header_whatever_the_values(value: str) -> None:
    terms = terms_of(Group(by=("v",), wait=1.5, key=("a", "b"), changes=True), notification(v=value))
    header = terms.header()
    assert header.isascii()
    assert header.isprintable()
    assert Terms.model_validate_json(header).group == terms.group
    assert terms.group.isalnum()


def test_the_largest_terms_fit_into_a_header() -> None:
    names = tuple(f"{number}" + "\u00e4" * 255 for number in range(10))
    group = Group(by=names, key=names)
    one, two = (dict.fromkeys(names, "ä" * 500000 + end) for end in "ab")
    assert len(terms_of(group, notification(**one)).header()) < 60_000
    assert terms_of(group, notification(**one)).group != terms_of(group, notification(**two)).group


def test_beyond_a_rate_there_is_one_group_for_all() -> None:
    terms = beyond(Rate(limit=20, per=60), 12.5)
    assert (terms.group, terms.wait, terms.held) == (HELD, 12.5, "20 in 1m")


def test_a_key_names_what_it_is_about_and_else_its_text_does() -> None:
    terms = Terms()
    assert thing_of(notification(key="a", title="x"), terms) == thing_of(notification(key="a", title="y"), terms)
    assert thing_of(notification(key="a"), terms)[1]
    assert thing_of(notification(title="x", at=1), terms) == thing_of(notification(title="x", at=2), terms)
    assert thing_of(notification(title="x"), terms) != thing_of(notification(title="y"), terms)
    assert not thing_of(notification(title="x"), terms)[1]
    assert thing_of(notification(at=1), terms) != thing_of(notification(at=2), terms)


def test_a_route_says_which_fields_name_a_thing() -> None:
    terms = Terms(key=("host", "provider"))
    one = thing_of(notification(host="a", title="x", key="k"), terms)
    assert one == thing_of(notification(host="a", title="y", key="l"), terms)
    assert one != thing_of(notification("q", host="a"), terms)
