"""From a subject to the hooks whose filter sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events.subject import matches
from app.hooks.matching import index as index_module
from app.hooks.matching.index import SubjectIndex
from app.hooks.matching.match import CompiledHook, compile_hook
from tests.unit.hooks.resources import compiled, found_by, hook, quick

PLAIN = compile_hook(hook())
tokens = st.sampled_from(["a", "b", "ops"])
subjects = st.lists(tokens, max_size=4).map(lambda tail: ".".join(["ops", *tail]))
filters = st.builds(
    lambda middle, last: ".".join(["ops", *middle, last]),
    st.lists(st.sampled_from(["a", "b", "ops", "*"]), max_size=3),
    st.sampled_from(["a", "b", "ops", "*", ">"]),
)


def hooks_on(patterns: list[str]) -> list[CompiledHook]:
    return [compiled(pattern, f"h{number}") for number, pattern in enumerate(patterns)]


def names(found: Iterable[CompiledHook]) -> list[str]:
    return sorted(each.hook.metadata.name for each in found)


@given(st.lists(filters, max_size=12), st.lists(subjects, min_size=1, max_size=6))
def test_the_index_finds_what_filtering_all_hooks_finds(patterns: list[str], asked: list[str]) -> None:
    hooks = hooks_on(patterns)
    index = SubjectIndex(hooks)

    for subject in [*asked, *reversed(asked)]:  # each twice: the second time from memory
        expected = tuple(each for each in hooks if matches(each.hook.spec.subject, subject))
        assert names(found_by(index, subject)) == names(expected)


def test_an_index_without_hooks_finds_none() -> None:
    assert not SubjectIndex().find("ops.a")


def test_hooks_are_found_by_what_it_takes_to_know_whether_they_want_an_event() -> None:
    found = SubjectIndex(
        [
            compiled("ops.*", "every"),
            compiled("ops.a", "text", include=["x"]),
            compiled("ops.>", "lookahead", include=["(?=x)"], matchType="REGEX"),
        ]
    ).find("ops.a")

    assert names(found.always) == ["every"]
    assert names(quick(found)) == ["text"]
    assert names(found.slow) == ["lookahead"]
    for group in found.quick:
        for wants, each in group.hooks:
            assert wants is each.wants


@pytest.mark.parametrize("keywords", [{}, {"include": ["x"]}, {"include": ["(?=x)"], "matchType": "REGEX"}])
def test_whoever_is_found_makes_it_worth_reading_the_event(keywords: dict[str, Any]) -> None:
    assert SubjectIndex([compiled("ops.a", **keywords)]).find("ops.a")


def test_hooks_on_the_same_filter_are_all_found() -> None:
    assert names(found_by(SubjectIndex(hooks_on(["ops.a", "ops.a", "ops.*"])), "ops.a")) == ["h0", "h1", "h2"]


def test_a_tail_needs_at_least_one_token() -> None:
    index = SubjectIndex(hooks_on(["ops.a.>"]))

    assert not index.find("ops.a")
    assert names(found_by(index, "ops.a.b")) == names(found_by(index, "ops.a.b.c")) == ["h0"]


@pytest.mark.parametrize("subject", ["ops.*", "ops.>", "ops.*.b", "ops.*.*"])
def test_a_hook_is_found_once_even_for_a_subject_with_a_wildcard_in_it(subject: str) -> None:
    """The server stores such subjects when a client publishes to them; the wildcard is a token like any other."""
    hooks = hooks_on(["ops.*", "ops.>", "ops.*.b", "ops.*.*", "ops.a"])
    expected = tuple(each for each in hooks if matches(each.hook.spec.subject, subject))

    assert names(found_by(SubjectIndex(hooks), subject)) == names(expected)


def test_answers_are_remembered() -> None:
    index = SubjectIndex(hooks_on(["ops.a"]))

    assert index.find("ops.a") is index.find("ops.a")


def test_subjects_that_the_same_hooks_see_share_an_answer() -> None:
    index = SubjectIndex(hooks_on(["ops.*", "ops.>", "ops.c"]))

    assert index.find("ops.a") is index.find("ops.b")
    assert index.find("ops.a") is not index.find("ops.c")
    assert names(found_by(index, "ops.c")) == ["h0", "h1", "h2"]


def test_a_full_memory_forgets_but_does_not_mix_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_REMEMBERED", 3)
    index = SubjectIndex(hooks_on([f"ops.t{number}" for number in range(10)]))

    for number in [*range(10), *reversed(range(10)), 0, 0, 5]:
        assert names(found_by(index, f"ops.t{number}")) == [f"h{number}"]
        assert len(index._remembered) <= 3


def test_indexes_do_not_share_what_they_remember() -> None:
    before, after = SubjectIndex(hooks_on(["ops.a"])), SubjectIndex(hooks_on(["ops.b"]))

    assert names(found_by(before, "ops.a")) == ["h0"]
    assert not after.find("ops.a")


def test_the_right_ones_are_found_among_many_hooks() -> None:
    patterns = [f"ops.clusters.c{number}.nodes.*.events" for number in range(3000)]
    spec = PLAIN.hook.spec
    many = [
        compile_hook(PLAIN.hook.model_copy(update={"spec": spec.model_copy(update={"subject": pattern})}))
        for pattern in [*patterns, "ops.>", "ops.clusters.*.nodes.n.events"]
    ]
    index = SubjectIndex(many)

    for number in (0, 1, 1500, 2999):
        found = {each.hook.spec.subject for each in found_by(index, f"ops.clusters.c{number}.nodes.n.events")}
        assert found == {patterns[number], "ops.>", "ops.clusters.*.nodes.n.events"}
