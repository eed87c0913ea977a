from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.patterns import covers, legal, overlap

tokens = st.sampled_from(["a", "b", "*"])
patterns = st.builds(
    lambda head, tail: ".".join([*head, *tail]), st.lists(tokens, min_size=1, max_size=3), st.sampled_from([[], [">"]])
)
subjects = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5).map(".".join)


def matches(pattern: str, subject: str) -> bool:
    """The rule of NATS in the plainest form, as an oracle."""
    match pattern.split("."), subject.split("."):
        case [">"], _:
            return True
        case [[first], [token]]:
            return first in ("*", token)
        case [[first, *rest], [token, *others]] if rest and others:
            return first in ("*", token) and matches(".".join(rest), ".".join(others))
    return False


@pytest.mark.parametrize("pattern", ["ops.>", "a", "*", ">", "a.*.c", "$KV.ops-hooks.>", "*.>"])
def test_a_pattern_that_the_server_takes_is_legal(pattern: str) -> None:
    assert legal(pattern)


@pytest.mark.parametrize("pattern", ["", ".", "a.", ".a", "a..b", "a.>.b", "a b", "a*", "a.b>", "a.\tb", ">.a"])
def test_a_pattern_that_the_server_refuses_is_not_legal(pattern: str) -> None:
    assert not legal(pattern)


def test_the_spaces_of_the_house_do_not_meet_although_their_names_begin_alike() -> None:
    assert not overlap("ops.>", "ops-parked.>")


def test_a_tail_needs_at_least_one_token() -> None:
    assert not overlap("ops.>", "ops")
    assert not covers("ops.>", "ops")


def test_two_wildcards_in_different_places_overlap_but_cover_nothing() -> None:
    assert overlap("h.*.a", "h.b.*")
    assert not covers("h.*.a", "h.b.*")


@given(patterns, patterns, subjects)
def test_a_subject_that_matches_both_patterns_proves_that_they_overlap(one: str, other: str, subject: str) -> None:
    if matches(one, subject) and matches(other, subject):
        assert overlap(one, other)
        assert overlap(other, one)


@given(patterns, patterns, subjects)
def test_a_covered_pattern_matches_nothing_that_the_wide_one_does_not(wide: str, narrow: str, subject: str) -> None:
    if covers(wide, narrow) and matches(narrow, subject):
        assert matches(wide, subject)


@given(patterns)
def test_a_pattern_covers_itself(pattern: str) -> None:
    assert covers(pattern, pattern)
