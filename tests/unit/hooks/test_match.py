"""Keywords: which events of a subject fire a hook."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hooks import match as match_module
from app.hooks.match import compile_hook
from app.hooks.pattern import Backtracking, Linear, compile_pattern
from tests.unit.hooks.resources import compiled, hook

TEXT = (
    "cluster: prod \nnamespace: default \npod: web-0 \ntype: Warning \nreason: BackOff \n"
    "message: Back-off restarting: exit code 1 \n"
)
HOSTILE = r"(?=a)(a+)+$"  # the lookahead sends it to the engine that backtracks
HOSTILE_TEXT = "a" * 5000 + "!"
GENEROUS = 10  # seconds: a hundred times the bound, and nothing beside what the expression would take


def wants(text: str = TEXT, **keywords: Any) -> bool:
    predicate = compiled(**keywords).wants
    return predicate is None or predicate(text)  # none: every event of the subject


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


@pytest.mark.parametrize("word", ["a.b", "(?=a).+b", "a.+$"])
def test_a_dot_matches_a_newline_in_both_engines(word: str) -> None:
    assert wants("a\nb", include=[word], matchType="REGEX")


@pytest.mark.parametrize("source", ["a", "a|b", "^a.*b$", "(?i)a", r"\d+", "(a+)+$", r"\p{Greek}"])
def test_ordinary_expressions_go_to_the_engine_without_backtracking(source: str) -> None:
    assert isinstance(compile_pattern(source), Linear)


@pytest.mark.parametrize("source", ["(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", HOSTILE])
def test_only_what_that_engine_refuses_goes_to_the_other(source: str) -> None:
    assert isinstance(compile_pattern(source), Backtracking)


@pytest.mark.parametrize("source", ["(", "[", "a**b(", "(?P<n>a", r"\\1(", "(?<=a", "*"])
def test_what_no_engine_takes_is_refused_with_the_parsers_message(source: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        compile_pattern(source)


def test_a_hostile_expression_is_undecided_within_its_bound() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        compile_pattern(HOSTILE).search(HOSTILE_TEXT)

    assert time.monotonic() - begun < GENEROUS


def test_a_hostile_include_that_ends_undecided_counts_as_wanted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert wants(HOSTILE_TEXT, include=[HOSTILE], matchType="REGEX")

    assert "ran out of time" in caplog.text
    assert "aaaa" not in caplog.text


def test_a_hostile_exclude_that_ends_undecided_does_not_exclude() -> None:
    assert wants(HOSTILE_TEXT, exclude=[HOSTILE], matchType="REGEX")
    assert not wants(HOSTILE_TEXT, exclude=[HOSTILE, "!"], matchType="REGEX")


def test_an_expression_that_ran_out_of_time_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("app.hooks.match.time.monotonic", lambda: now[0])
    predicate = compiled(include=[HOSTILE], matchType="REGEX").wants
    assert predicate is not None
    assert not predicate("b"), "decided"
    assert predicate(HOSTILE_TEXT), "undecided"
    assert predicate("b"), "not searched, so wanted"
    now[0] += match_module.REST_SECONDS
    assert not predicate("b"), "searched again"


def test_a_hostile_expression_of_the_linear_engine_is_decided() -> None:
    assert not wants(HOSTILE_TEXT, include=["(a+)+$"], matchType="REGEX")


@pytest.mark.parametrize(
    ("keywords", "reads", "blocks"),
    [
        ({}, False, False),
        ({"include": ["a"]}, True, False),
        ({"exclude": ["a"]}, True, False),
        ({"include": ["a|b"], "matchType": "REGEX"}, True, False),
        ({"include": ["(?=a)"], "matchType": "CONTAINS"}, True, False),
        ({"include": ["a", "(?=a)"], "matchType": "REGEX"}, True, True),
        ({"exclude": ["(?!a)"], "matchType": "REGEX"}, True, True),
    ],
)
def test_a_compiled_hook_says_whether_it_reads_the_text_and_may_block(
    keywords: dict[str, Any], *, reads: bool, blocks: bool
) -> None:
    compiled_hook = compiled(**keywords)

    assert (compiled_hook.wants is not None, compiled_hook.may_block) == (reads, blocks)


def test_a_compiled_hook_keeps_its_hook_and_target() -> None:
    given_hook = hook(name="mine")
    compiled_hook = compile_hook(given_hook)

    assert compiled_hook.hook is given_hook
    assert compiled_hook.target == given_hook.target
