"""What may be published to, what may be subscribed to, and which filter sees which subject."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.events import subject
from app.events.subject import InvalidSubjectError
from tests.unit.events.examples import any_text

tokens = st.sampled_from(["a", "b", "ops"])
subjects = st.lists(tokens, min_size=1, max_size=5).map(".".join)
filters = st.builds(
    lambda head, tail: ".".join([*head, *tail]),
    st.lists(st.sampled_from(["a", "b", "ops", "*"]), min_size=1, max_size=4),
    st.sampled_from([[], [">"]]),
) | st.just(">")


def sees(pattern: str, text: str) -> bool:
    """The rule of NATS written as a regular expression: an oracle of another make."""
    *front, last = (re.escape(token) if token not in "*>" else token for token in pattern.split("."))
    parts = ["[^.]+" if token == "*" else token for token in front]
    parts.append({"*": "[^.]+", ">": r"[^.]+(\.[^.]+)*"}.get(last, last))
    return re.fullmatch(r"\.".join(parts), text) is not None


@pytest.mark.parametrize("text", ["ops", "ops.a", "ops.a-b_c%d", "ops.日本", "ops.$x", "a" * 1024])
def test_a_plain_subject_may_be_published_to(text: str) -> None:
    assert subject.validate(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty token"),
        ("ops..a", "empty token"),
        ("ops.*", "wildcard"),
        ("ops.>", "wildcard"),
        ("ops.a*b", "wildcard"),
        ("ops.a b", "white space"),
        ("ops.a\r\n", "control characters"),
        ("a" * 1025, "1025 bytes long"),
    ],
)
def test_an_illegal_subject_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidSubjectError, match=why):
        subject.validate(text)


@given(any_text)
@example("a\x00")
@example("a\n")
def test_a_subject_that_passes_is_safe_in_a_line_of_the_protocol(text: str) -> None:
    try:
        subject.validate(text)
    except InvalidSubjectError:
        return
    assert text.encode().decode().split() == [text]
    assert not set(text) & {"*", ">", "\x00"}


@pytest.mark.parametrize(
    "pattern",
    ["ops", "ops.a", "ops.*", "*", ">", "ops.>", "ops.*.a.>", "*.*.>", "ops.clusters.*.namespaces.*.*.*.events"],
)
def test_a_filter_may_have_wildcards_as_whole_tokens(pattern: str) -> None:
    assert subject.validate_filter(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "empty token"),
        ("ops..>", "empty token"),
        (".ops", "empty token"),
        ("ops.", "empty token"),
        ("ops.>.a", "whole last token"),
        (">.>", "whole last token"),
        ("ops.a>", "whole last token"),
        ("ops.>>", "whole last token"),
        ("ops.a>.b", "whole last token"),
        ("ops.a*", "inside a token"),
        ("ops.**", "inside a token"),
        ("ops.*a.b", "inside a token"),
        ("ops.a b", "white space"),
        ("ops.\x00", "control characters"),
        ("ops." + "a" * 1021, "the filter is 1025 bytes long"),
    ],
)
def test_an_illegal_filter_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(InvalidSubjectError, match=why):
        subject.validate_filter(pattern)


@given(filters)
def test_every_filter_of_whole_tokens_is_legal(pattern: str) -> None:
    assert subject.validate_filter(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ops.a", "ops.a"),
        ("ops.*", "ops.a"),
        ("*.a", "ops.a"),
        ("ops.>", "ops.a"),
        ("ops.>", "ops.a.b.c"),
        (">", "ops"),
        (">", "ops.a.b"),
        ("*.>", "ops.a"),
        ("ops.*.b.>", "ops.a.b.c.d"),
        ("ops.clusters.*.nodes.*.events", "ops.clusters.default.nodes.ip-10-0-0-1_ec2_internal.events"),
        ("ops.clusters.*.namespaces.*.pods.*.events", "ops.clusters.c.namespaces.n.pods.web_v1_0.events"),
        ("ops.clusters.*.namespaces.*.*.*.events", "ops.clusters.c.namespaces.n.pods.web-0.events"),
    ],
)
def test_a_filter_sees_these_subjects(pattern: str, text: str) -> None:
    assert subject.matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ops.a", "ops.b"),
        ("ops.a", "ops.A"),
        ("ops.a", "ops.a.b"),
        ("ops.a.b", "ops.a"),
        ("ops.*", "ops"),
        ("ops.*", "ops.a.b"),
        ("ops.>", "ops"),
        ("ops.>", "opsx.a"),
        ("ops.a.>", "ops.a"),
        ("*", "ops.a"),
        ("*.>", "ops"),
        ("ops.*.b.>", "ops.a.b"),
        ("ops.*.b.>", "ops.a.c.d"),
        ("ops.clusters.*.namespaces.*.*.events", "ops.clusters.c.namespaces.n.pods.web-0.events"),
    ],
)
def test_a_filter_does_not_see_these_subjects(pattern: str, text: str) -> None:
    assert not subject.matches(pattern, text)


@given(filters, subjects)
def test_matching_agrees_with_an_independent_oracle(pattern: str, text: str) -> None:
    assert subject.matches(pattern, text) == sees(pattern, text)


@given(subjects)
def test_a_subject_sees_itself_and_only_itself(text: str) -> None:
    assert subject.matches(text, text)
    assert not subject.matches(text, f"{text}.a")
    assert not subject.matches(f"{text}.a", text)


@given(filters, filters, subjects)
def test_a_filter_that_covers_another_sees_all_that_the_other_sees(outer: str, inner: str, text: str) -> None:
    if subject.covers(outer, inner) and subject.matches(inner, text):
        assert subject.matches(outer, text)


def instances(pattern: str) -> list[str]:
    """Subjects that a filter sees, with tokens that no filter names: what sees them all, covers it."""
    *front, last = ["new" if token == "*" else token for token in pattern.split(".")]
    lasts = ("new", "new.new", "new.new.new.new.new") if last == ">" else (last,)
    return [".".join([*front, one]) for one in lasts]


@given(filters, filters)
@example(">", ">")
@example("*", ">")
@example("ops.>", "ops")
@example("ops.*", "ops.>")
@example("ops.>", "ops.*.>")
@example("ops.*.>", "ops.>")
def test_a_filter_covers_another_exactly_where_it_sees_all_of_it(outer: str, inner: str) -> None:
    assert subject.covers(outer, inner) is all(subject.matches(outer, text) for text in instances(inner))


@given(filters, subjects)
def test_covering_one_subject_is_seeing_it(pattern: str, text: str) -> None:
    assert subject.covers(pattern, text) is subject.matches(pattern, text)
