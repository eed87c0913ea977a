"""One search for the words of many hooks: it may let too much pass, never too little."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.hooks.matching import gate
from app.hooks.matching.index import Candidates, SubjectIndex
from app.hooks.matching.text import Text
from tests.unit.hooks.resources import compiled, quick

MANY = 20
LARGEST = [chr(0x4E00 + number) + "é" * 1023 for number in range(100)]  # as many and as long as a hook may have

telling = st.sampled_from([*".*+?()[]{}|^$\\-#& \n\r\t\x00é日aAb", "\\Q", "\\E", "(?i)", "\U0001f600", "\u2028"])
words = st.lists(telling | st.characters(codec="utf-8"), min_size=1, max_size=30).map("".join)
keywords = st.fixed_dictionaries(
    {"include": st.lists(words, min_size=1, max_size=3), "matchMode": st.sampled_from(["ANY", "ALL"])},
    optional={"exclude": st.lists(words, max_size=1)},
)


def candidates(*of_hooks: dict[str, Any]) -> Candidates:
    return SubjectIndex(compiled("ops.a", f"h{number}", **each) for number, each in enumerate(of_hooks)).find("ops.a")


def wanted(found: Candidates, text: str) -> set[str]:
    """The hooks that want a text, gates apart."""
    read = Text(text)
    return {hook.hook.key for group in found.quick for wants, hook in group.hooks if wants(read)}


def asked(found: Candidates, text: str) -> set[str]:
    """The hooks behind gates that a text passes."""
    read = Text(text)
    return {hook.hook.key for group in found.quick if group.gate(read) for _, hook in group.hooks}


@given(st.lists(keywords, min_size=1, max_size=MANY), st.lists(words, max_size=4).map("".join))
@example([{"include": ["a.b"]}] * MANY, "a.b")
@example([{"include": ["\x00"]}] * MANY, "a\x00b")
@example([{"include": ["a\nb"]}] * MANY, "a\nb")
@example([{"include": ["a" * 17]}] * MANY, "a" * 17)
def test_who_wants_a_text_is_asked(of_hooks: list[dict[str, Any]], text: str) -> None:
    found = candidates(*of_hooks)
    texts = [text, *(f"x{word}{text}" for each in of_hooks for word in each["include"])]

    assert all(wanted(found, each) <= asked(found, each) for each in texts)


def test_nobody_is_asked_about_a_text_with_no_word_of_many_hooks() -> None:
    found = candidates(*({"include": [f"word-{number}", "a.b"]} for number in range(MANY)))

    assert asked(found, "word-7")
    assert asked(found, "xa.bx")
    assert not asked(found, "word")
    assert not asked(found, "WORD-7")
    assert not asked(found, "axb")
    assert not asked(found, "")


@pytest.mark.parametrize(
    "another",
    [{"exclude": ["x"]}, {"include": ["^y"], "matchType": "REGEX"}, {"include": ["y"], "matchType": "EXACT"}],
)
def test_a_hook_that_may_want_a_text_without_those_words_is_asked_and_the_others_are_not(
    another: dict[str, Any],
) -> None:
    found = candidates(*({"include": [f"word-{number}"]} for number in range(MANY)), another)

    assert asked(found, "y") == wanted(found, "y") == {f"ops-system.h{MANY}"}


def test_hooks_that_want_every_event_or_take_their_time_stand_beside_the_gates() -> None:
    lookahead = {"include": ["(?=y)"], "matchType": "REGEX"}
    found = candidates(*({"include": [f"word-{number}"]} for number in range(MANY)), {}, lookahead)

    assert (len(found.always), len(quick(found)), len(found.slow)) == (1, MANY, 1)
    assert not asked(found, "y")


def test_hooks_whose_words_do_not_fit_behind_one_gate_stand_behind_several() -> None:
    found = candidates(*({"include": [f"{number:04}-is-a-word"]} for number in range(300)))

    assert len(found.quick) == 3
    assert len(quick(found)) == len({hook.hook.key for hook in quick(found)}) == 300
    assert f"ops-system.h{299}" in asked(found, "a 0299-is-a-word")
    assert len(asked(found, "a 0299-is-a-word")) < 150
    assert not asked(found, "a word")


def test_beyond_the_most_gates_hooks_stand_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_GATES", 1)
    found = candidates(*({"include": [f"{number:04}-is-a-word"]} for number in range(300)))

    assert len(found.quick) == 2
    assert 100 < len(asked(found, "none of the words")) < 250
    assert wanted(found, "0007-is-a-word 0299-is-a-word") <= asked(found, "0007-is-a-word 0299-is-a-word")


def test_as_many_words_as_hooks_may_have_are_no_error() -> None:
    found = candidates(*({"include": LARGEST} for _ in range(MANY - 1)), {"include": ["needle", *LARGEST[1:]]})

    assert wanted(found, "needle") == {f"ops-system.h{MANY - 1}"} <= asked(found, "needle")
    assert wanted(found, LARGEST[42]) <= asked(found, LARGEST[42])


def test_many_words_of_many_hooks_are_no_error() -> None:
    own = [[f"{chr(0x6E00 + number)}{word}"[:1024] for word in LARGEST] for number in range(MANY)]
    found = candidates(*({"include": each} for each in own))

    assert wanted(found, own[7][42]) == {"ops-system.h7"} <= asked(found, own[7][42])
