"""Keywords: which events of a subject fire a hook."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hooks.matching.match import CompiledHook, Keyword, Verdict, compile_hook
from app.hooks.matching.pattern import Contains
from app.hooks.matching.text import Text
from tests.unit.hooks.resources import compiled, hook

TEXT = (
    "cluster: prod \nnamespace: default \npod: web-0 \ntype: Warning \nreason: BackOff \n"
    "message: Back-off restarting: exit code 1 \n"
)


def wants(text: str = TEXT, **keywords: Any) -> bool:
    """What both ways to ask a hook say."""
    asked, read = compiled(**keywords), Text(text)
    wanted = asked.wants is None or asked.wants(read)
    assert asked.verdict(lambda keyword: keyword.pattern.search(read)) is wanted
    return wanted


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"matchMode": "ALL"},
        {"matchType": "REGEX"},
        {"exclude": ["healthcheck"]},
        {"include": ["BackOff"]},
        {"include": ["BackOff", "Evicted"]},
        {"include": ["Evicted", "BackOff"]},
        {"include": ["BackOff", "prod"], "matchMode": "ALL"},
        {"include": ["BackOff"], "exclude": ["healthcheck"]},
        {"include": ["BackOff", "Evicted"], "matchType": "EXACT"},
        {"include": ["BackOff", "prod"], "matchType": "EXACT", "matchMode": "ALL"},
        {"include": ["Back[Oo]ff", "Evicted"], "matchType": "REGEX"},
        {"include": ["Back[Oo]ff", "^cluster: prod"], "matchType": "REGEX", "matchMode": "ALL"},
        {"include": ["BackOff"], "exclude": ["Back"], "matchType": "EXACT"},
    ],
)
def test_these_keywords_want_the_event(keywords: dict[str, Any]) -> None:
    assert wants(**keywords)


@pytest.mark.parametrize(
    "keywords",
    [
        {"include": ["Evicted"]},
        {"include": ["BackOff", "Evicted"], "matchMode": "ALL"},
        {"include": ["Evicted", "BackOff"], "matchMode": "ALL"},
        {"exclude": ["BackOff"]},
        {"exclude": ["healthcheck", "BackOff"]},
        {"exclude": ["BackOff", "healthcheck"], "matchMode": "ALL"},
        {"include": ["BackOff"], "exclude": ["BackOff"]},
        {"include": ["BackOff", "prod"], "exclude": ["web-0"], "matchMode": "ALL"},
        {"include": ["Back"], "matchType": "EXACT"},
        {"include": ["BackOff", "pro"], "matchType": "EXACT", "matchMode": "ALL"},
        {"include": ["Back.*Evicted"], "matchType": "REGEX"},
        {"include": ["BackOff"], "exclude": ["web-[0-9]"], "matchType": "REGEX"},
        {"include": ["Back.ff", "Evicted"], "matchType": "REGEX", "matchMode": "ALL"},
    ],
)
def test_these_keywords_do_not_want_the_event(keywords: dict[str, Any]) -> None:
    assert not wants(**keywords)


words = st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=3)


@given(words, words, st.sampled_from(["ANY", "ALL"]), st.text("abcd ", max_size=6))
def test_an_exclude_wins_and_no_include_means_all(include: list[str], exclude: list[str], mode: str, text: str) -> None:
    enough = all if mode == "ALL" else any
    expected = not any(word in text for word in exclude) and (not include or enough(word in text for word in include))

    assert wants(text, include=include, exclude=exclude, matchMode=mode) == expected


@pytest.mark.parametrize("match_type", ["CONTAINS", "EXACT", "REGEX"])
@pytest.mark.parametrize("word", ["backoff", "BACKOFF"])
def test_case_is_respected(match_type: str, word: str) -> None:
    assert not wants(include=[word], matchType=match_type)
    assert wants(exclude=[word], matchType=match_type)
    assert not wants(include=[word, "evicted"], matchType=match_type)
    assert wants(exclude=[word, "evicted"], matchType=match_type)


def test_contains_takes_a_keyword_to_the_letter() -> None:
    assert wants("a.*b", include=[".*"])
    assert not wants("a--b", include=[".*"])


@pytest.mark.parametrize("word", ["prod", "web-0", "BackOff", "Back-off restarting: exit code 1", TEXT, TEXT.strip()])
def test_exact_means_the_whole_text_or_the_whole_value_of_a_line(word: str) -> None:
    assert wants(include=[word], matchType="EXACT")


@pytest.mark.parametrize("word", ["Back", "reason", "reason: BackOff", "exit code 1", "BackOf", "pro", " "])
def test_exact_does_not_mean_a_part_of_a_value_nor_its_key(word: str) -> None:
    assert not wants(include=[word], matchType="EXACT")


def test_exact_with_a_blank_keyword_does_not_mean_a_line_without_a_key() -> None:
    assert not wants("disk is full\non node-a", include=[" "], matchType="EXACT")


def test_exact_means_the_whole_of_a_text_without_lines() -> None:
    assert wants("disk is full", include=["disk is full"], matchType="EXACT")
    assert wants(" ", include=[" "], matchType="EXACT")
    assert not wants("disk is full", include=["disk"], matchType="EXACT")


@pytest.mark.parametrize(
    "word",
    [
        "(?=.*BackOff)(?=.*prod)",
        "(?=.*prod)(?=.*BackOff)",
        "^(?!.*Evicted)",
        "^(?!.*Evicted).*BackOff",
        "(?<=reason: )BackOff",
        "cluster.*message",
        r"(code) (?=1)",
        r"(prod).*(?!\1)",
        r"([a-z])\1",
    ],
)
def test_these_expressions_are_found(word: str) -> None:
    assert wants(TEXT + "aa", include=[word], matchType="REGEX")


@pytest.mark.parametrize(
    "word",
    [
        "(?=.*BackOff)(?=.*Evicted)",
        "^(?!.*BackOff)",
        "(?<=type: )BackOff",
        r"(prod).*\1",
        "message.*cluster",
        "^namespace",
    ],
)
def test_these_expressions_are_not_found(word: str) -> None:
    assert not wants(include=[word], matchType="REGEX")


def of(include: int, exclude: int, mode: str) -> CompiledHook:
    return compiled(
        include=[f"i{number}" for number in range(include)],
        exclude=[f"e{number}" for number in range(exclude)],
        matchMode=mode,
    )


def said(asked: CompiledHook, verdicts: dict[str, Verdict]) -> Verdict:
    return asked.verdict(lambda keyword: verdicts[keyword.place])


@pytest.mark.parametrize("mode", ["ANY", "ALL"])
@pytest.mark.parametrize(("include", "exclude"), [(0, 1), (0, 2), (1, 0), (3, 0), (1, 1), (2, 2)])
def test_a_hook_is_undecided_just_where_the_undecided_keywords_would_decide(
    mode: str, include: int, exclude: int
) -> None:
    asked = of(include, exclude, mode)
    places = [keyword.place for keyword in (*asked.include, *asked.exclude)]
    assert len(places) == include + exclude
    for found in product([True, False, None], repeat=len(places)):
        open_ = [place for place, verdict in zip(places, found, strict=True) if verdict is None]
        could_be = {
            said(asked, {**dict(zip(places, found, strict=True)), **dict(zip(open_, guess, strict=True))})
            for guess in product([True, False], repeat=len(open_))
        }
        expected = could_be.pop() if len(could_be) == 1 else None
        assert said(asked, dict(zip(places, found, strict=True))) is expected


def test_keywords_keep_their_places_and_the_cheapest_is_asked_first() -> None:
    asked = compiled(include=["(?=a)", "a.{0,99}b", "a"], exclude=["b", "(?!b)"], matchType="REGEX")

    assert [keyword.place for keyword in asked.include] == ["include[2]", "include[1]", "include[0]"]
    assert [keyword.place for keyword in asked.exclude] == ["exclude[0]", "exclude[1]"]
    assert asked.include[0].pattern.search(Text("a"))


def test_no_further_keyword_is_asked_once_the_verdict_stands() -> None:
    asked: list[str] = []

    def find(keyword: Keyword) -> Verdict:
        asked.append(keyword.place)
        return keyword.pattern.search(Text("a"))

    def verdict(**keywords: Any) -> Verdict:
        asked.clear()
        return compiled(**keywords).verdict(find)

    assert verdict(include=["a", "b"], exclude=["c"]) is True
    assert asked == ["exclude[0]", "include[0]"]
    assert verdict(include=["a"], exclude=["a", "b"]) is False
    assert asked == ["exclude[0]"]
    assert verdict(include=["b", "a"], matchMode="ALL") is False
    assert asked == ["include[0]"]


@pytest.mark.parametrize(
    ("keywords", "cheap"),
    [
        ({"include": ["a"]}, True),
        ({"exclude": ["a"]}, True),
        ({"include": ["a|b"], "matchType": "REGEX"}, True),
        ({"include": ["(?=a)"], "matchType": "CONTAINS"}, True),
        ({"include": ["a", "(?=a)"], "matchType": "REGEX"}, False),
        ({"exclude": ["(?!a)"], "matchType": "REGEX"}, False),
    ],
)
def test_a_compiled_hook_says_what_it_costs_at_worst(keywords: dict[str, Any], *, cheap: bool) -> None:
    asked = compiled(**keywords)

    assert (asked.cost < float("inf")) is cheap
    assert asked.cost == sum(keyword.pattern.cost for keyword in (*asked.include, *asked.exclude))


def test_a_hook_without_keywords_reads_nothing() -> None:
    assert (compiled().wants, compiled().cost) == (None, 0)


def test_only_words_that_must_be_there_are_needed() -> None:
    assert compiled(include=["a", "b" * 40]).needs == {"a", "b" * 16}
    assert not compiled(exclude=["a"]).needs
    assert not compiled(include=["a"], matchType="EXACT").needs
    assert not compiled(include=["a"], matchType="REGEX").needs


def test_a_compiled_hook_keeps_its_hook_and_target() -> None:
    given_hook = hook(name="mine", include=["a"])
    compiled_hook = compile_hook(given_hook)

    assert compiled_hook.hook is given_hook
    assert compiled_hook.target == given_hook.target
    assert compiled_hook.include[0].pattern == Contains("a")
