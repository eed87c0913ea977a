"""Keywords that are refused for what they would cost."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import InvalidResourceError
from app.hooks.hook import Hook, parse
from app.hooks.matching import pattern
from tests.unit.hooks.resources import NAMESPACE, resource


def made(**keywords: Any) -> Hook:
    return parse(resource(keywords={"matchType": "REGEX", **keywords}), NAMESPACE)


def refusal(**keywords: Any) -> str:
    with pytest.raises(InvalidResourceError) as caught:
        made(**keywords)
    (problem,) = caught.value.problems
    assert problem.field == "spec.keywords"
    return problem.why


def test_an_expression_that_is_too_large_is_named_by_its_place() -> None:
    assert refusal(include=["a", ".{0,1000}" * 100]).startswith("include[1] is no regular expression that can be used:")
    assert "too large" in refusal(include=["a", ".{0,1000}" * 100])
    assert "repeats too much" in refusal(exclude=["(?=a).{100000000}"])


def test_expressions_that_are_too_large_together_are_refused_from_where_it_is_too_much() -> None:
    size = pattern.compile_pattern("a.{0,300}b").size
    fitting = [f"a.{{0,300}}b{number % 10}" for number in range(pattern.MAX_SIZE // (size + 1))]
    assert made(include=fitting).spec.keywords.include == tuple(fitting)

    assert refusal(include=fitting, exclude=["c", "a.{0,300}c"]) == (
        "the expressions up to exclude[1] are too large together"
    )


def test_as_many_expressions_as_people_write_are_taken() -> None:
    many = [rf"(?i)\b(error|failed|timeout)-{number}\b.{{0,9}}" for number in range(100)]

    assert made(include=many, exclude=many).spec.keywords.exclude == tuple(many)


@pytest.mark.parametrize("match_type", ["CONTAINS", "EXACT"])
def test_words_may_be_as_many_and_as_long_as_they_like_within_their_caps(match_type: str) -> None:
    words = [f"{number:03}" + ".{0,1000}" * 113 for number in range(100)]

    assert made(include=words, exclude=words, matchType=match_type).spec.keywords.include == tuple(words)
