"""Regular expressions: which engine takes them, which are refused, and what they may cost."""

from __future__ import annotations

import time
from math import inf

import pytest

from app.hooks.matching import pattern
from app.hooks.matching.pattern import Backtracking, Contains, Exact, Linear, any_of, compile_pattern, keyword
from app.hooks.matching.text import Text

HOSTILE = r"(?=a)(a+)+$"  # the lookahead sends it to the engine that backtracks
HOSTILE_TEXT = "a" * 5000 + "!"
GENEROUS = 10  # seconds: a hundred times the bound, and nothing beside what the expression would take


def refusal(source: str) -> str:
    with pytest.raises(ValueError, match=r".+") as caught:
        compile_pattern(source)
    return str(caught.value)


@pytest.mark.parametrize("source", ["a", "a|b", "^a.*b$", "(?i)a", r"\d+", "(a+)+$", r"\p{Greek}", "(?P<n>a)"])
def test_ordinary_expressions_go_to_the_engine_without_backtracking(source: str) -> None:
    assert isinstance(compile_pattern(source), Linear)


@pytest.mark.parametrize("source", ["(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?>a)", "a++", HOSTILE])
def test_only_what_that_engine_refuses_goes_to_the_other(source: str) -> None:
    assert isinstance(compile_pattern(source), Backtracking)


@pytest.mark.parametrize("source", ["(", "[", "a**b(", "(?P<n>a", r"\\1(", "(?<=a", "*"])
def test_what_no_engine_takes_is_refused_with_the_parsers_message(source: str) -> None:
    assert refusal(source)


@pytest.mark.parametrize("source", ["a.b", "(?=a).+b", "a.+$"])
def test_a_dot_matches_a_newline_in_both_engines(source: str) -> None:
    assert compile_pattern(source).search(Text("a\nb"))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (".{0,1000}" * 100, "too large"),
        ("x{0,1000}" * 113, "too large"),
        (r"\pL{1000}", "too large"),
        (r"\pL" * 341, "at most 50"),
        (r"(?i)|\PL" * 51, "at most 50"),
        ("(?=a).{100000000}", "repeats too much"),
        ("(?=a)(?:a{1000}){1000}", "repeats too much"),
        ("(?=a)(?:(?:a{99}){99}){99}", "repeats too much"),
        (r"(a)\1" + "(?:b{3}){3}" * 90, "repeats too much"),
        ("(?x)(?=a)(?:a{1000}) {1000}", "flags"),
        ("(?=a)(?ix:b)", "flags"),
        ("(?V1)(?=a)[a--b]", "flags"),
        ("(?=" * 340 + ")" * 340, "nested too deeply"),
    ],
    ids=lambda value: value[:24],
)
def test_what_would_take_long_to_compile_is_refused(source: str, why: str) -> None:
    assert why in refusal(source)


@pytest.mark.parametrize(
    "source",
    [
        "error.{0,500}timeout",
        r"\p{Lu}\p{L}{1,3}Exception",
        "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "(?![0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})x",
        r"(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)",
        r"(?=(?:.*error){2})(?=.{20,100000}$)",
    ],
)
def test_repetitions_as_people_write_them_are_taken(source: str) -> None:
    assert compile_pattern(source).size <= pattern.MAX_SIZE / 4


def test_asked_again_it_gives_the_same_pattern() -> None:
    assert compile_pattern("a|b") is compile_pattern("a|b")


def test_a_hostile_expression_is_undecided_within_its_bound() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        compile_pattern(HOSTILE).search(Text(HOSTILE_TEXT))

    assert time.monotonic() - begun < GENEROUS


def test_a_hostile_expression_of_the_linear_engine_is_decided() -> None:
    assert not compile_pattern("(a+)+$").search(Text(HOSTILE_TEXT))


def test_the_kinds_of_keywords_tell_what_they_cost() -> None:
    small, large = compile_pattern("a|b"), compile_pattern("a.{0,300}b")

    assert 0 < Contains("a").cost < Exact("a").cost < small.cost < large.cost < inf == compile_pattern(HOSTILE).cost


@pytest.mark.parametrize(("match_type", "kind"), [("CONTAINS", Contains), ("EXACT", Exact), ("REGEX", Linear)], ids=str)
def test_a_keyword_is_of_its_hooks_kind(match_type: str, kind: type) -> None:
    assert isinstance(keyword("a", match_type), kind)


def test_half_a_surrogate_pair_is_no_error() -> None:
    text = Text("a\ud800b")

    assert compile_pattern("^a").search(text)
    assert not compile_pattern("c").search(text)
    assert compile_pattern("(?=b)").search(text)
    assert keyword("\ud800", "CONTAINS").search(text)


def test_any_of_some_words_is_found() -> None:
    found = any_of(["a.b", "c"])

    assert found.search(Text("xa.b"))
    assert found.search(Text("c"))
    assert not found.search(Text("axb"))
