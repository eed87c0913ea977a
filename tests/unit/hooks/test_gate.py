"""One search for the words of many hooks: it may let too much pass, never too little."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.hooks.index import Candidates, SubjectIndex
from tests.unit.hooks.resources import compiled

MANY = 20
LARGEST = [chr(0x4E00 + number) + "é" * 1023 for number in range(100)]  # as many and as long as a hook may have

telling = st.sampled_from([*".*+?()[]{}|^$\\-#& \n\r\t\x00é日aAb", "\\Q", "\\E", "(?i)", "\U0001f600", "\u2028"])
words = st.lists(telling | st.characters(codec="utf-8"), min_size=1, max_size=4).map("".join)
keywords = st.fixed_dictionaries(
    {"include": st.lists(words, min_size=1, max_size=3), "matchMode": st.sampled_from(["ANY", "ALL"])},
    optional={"exclude": st.lists(words, max_size=1)},
)


def candidates(*of_hooks: dict[str, Any]) -> Candidates:
    return SubjectIndex(compiled("ops.a", f"h{number}", **each) for number, each in enumerate(of_hooks)).find("ops.a")


def wanted(found: Candidates, text: str) -> bool:
    return any(wants(text) for wants, _ in found.quick)


@given(st.lists(keywords, min_size=1, max_size=MANY), st.lists(words, max_size=4).map("".join))
@example([{"include": ["a.b"]}] * MANY, "a.b")
@example([{"include": ["\x00"]}] * MANY, "a\x00b")
@example([{"include": ["a\nb"]}] * MANY, "a\nb")
def test_what_a_hook_wants_passes(of_hooks: list[dict[str, Any]], text: str) -> None:
    found = candidates(*of_hooks)
    texts = [text, *(f"x{word}{text}" for each in of_hooks for word in each["include"])]

    assert all(found.gate(each) for each in texts if wanted(found, each))


def test_what_holds_no_word_of_many_hooks_does_not_pass() -> None:
    found = candidates(*({"include": [f"word-{number}", "a.b"]} for number in range(MANY)))

    assert found.gate("word-7")
    assert found.gate("xa.bx")
    assert not found.gate("word")
    assert not found.gate("WORD-7")
    assert not found.gate("axb")
    assert not found.gate("")


@pytest.mark.parametrize(
    "another",
    [{"exclude": ["x"]}, {"include": ["^y"], "matchType": "REGEX"}, {"include": ["y"], "matchType": "EXACT"}],
)
def test_everything_passes_where_a_hook_may_want_a_text_without_those_words(another: dict[str, Any]) -> None:
    found = candidates(*({"include": [f"word-{number}"]} for number in range(MANY)), another)

    assert wanted(found, "y")
    assert found.gate("y")


def test_hooks_that_want_every_event_or_take_their_time_stand_beside_the_gate() -> None:
    lookahead = {"include": ["(?=y)"], "matchType": "REGEX"}
    found = candidates(*({"include": [f"word-{number}"]} for number in range(MANY)), {}, lookahead)

    assert (len(found.always), len(found.quick), len(found.slow)) == (1, MANY, 1)
    assert not found.gate("y")


def test_as_many_words_as_hooks_may_have_are_no_error() -> None:
    found = candidates(*({"include": LARGEST} for _ in range(MANY - 1)), {"include": ["needle", *LARGEST[1:]]})

    assert wanted(found, "needle")
    assert found.gate("needle")
    assert found.gate(LARGEST[42])


def test_many_words_of_many_hooks_are_no_error() -> None:
    own = [[f"{chr(0x6E00 + number)}{word}"[:1024] for word in LARGEST] for number in range(MANY)]
    found = candidates(*({"include": each} for each in own))

    assert found.gate(own[7][42])
    assert wanted(found, own[7][42])
