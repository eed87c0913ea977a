"""Why a hook fired or not: what is found out decides, and is said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events.subject import matches
from app.hooks.matching.match import Keyword
from app.hooks.pauses import Pause
from app.hooks.questions.facts import (
    Difference,
    EventFacts,
    Facts,
    HookFacts,
    KeywordFacts,
    LetterFacts,
    Line,
    ParkedFacts,
    Progress,
    SubjectFacts,
    WordFacts,
    keyword_facts,
    subject_facts,
)
from app.hooks.questions.verdict import Verdict, explanation
from tests.unit.hooks.resources import compiled

EARLIER, NOW, LATER = "2026-11-23T04:00:00.000Z", "2026-11-23T04:50:41.125Z", "2026-11-23T05:00:00.000Z"


def words(*found: bool | None) -> list[WordFacts]:
    return [WordFacts(f"w{number}", matches) for number, matches in enumerate(found)]


def keywords(*include: bool | None, exclude: tuple[bool | None, ...] = (), match_mode: str = "ANY") -> KeywordFacts:
    return keyword_facts(words(*include), words(*exclude), match_mode, "CONTAINS")


FACTS = Facts(
    event=EventFacts("id", "Kube", "ops.a", 100, NOW, "ops"),
    hook=HookFacts("default", "one", "ops.a", "active", 1, EARLIER, EARLIER),
    subject=SubjectFacts(True, None),
    keywords=keywords(),
    attempts=(),
    dead_letter=None,
    parked=None,
    paused=None,
    progress=Progress(1000, 1000),
)
DELIVERED: Line = {"outcome": "delivered", "at": NOW, "attempt": 2}
FAILED: Line = {"outcome": "try_later", "at": NOW, "attempt": 1}
LETTER = LetterFacts(7, NOW, "given up after 8 tries: HTTP 500", 8, 9)
PARKED = ParkedFacts(5, NOW, "HTTP 503", 1, LATER, "")
PAUSE = Pause(reason="maintenance", by="operator", since=EARLIER, generation=1)
ELSEWHERE = SubjectFacts(False, Difference(2, "a", "b"))


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"attempts": (DELIVERED, FAILED)}, "delivered", f"delivered at {NOW}, by attempt 2"),
        ({"attempts": (DELIVERED,), "subject": ELSEWHERE}, "delivered", "delivered"),
        ({"attempts": (FAILED,), "dead_letter": LETTER}, "dead_letter", "given up after 8 tries: HTTP 500. Redrive"),
        ({"parked": PARKED}, "parked", f"HTTP 503. It is tried again at {LATER}"),
        ({"parked": PARKED, "paused": PAUSE}, "paused", "It is parked, as the hook is paused"),
        ({"paused": PAUSE, "progress": Progress(50, 50)}, "paused", "It will be parked"),
        ({"paused": PAUSE, "keywords": keywords(False)}, "not_matched", "none of the keywords"),
        ({"subject": ELSEWHERE}, "not_matched", "at token 2 it has 'a', the event 'b'"),
        ({"subject": SubjectFacts(False, Difference(3, "", "c"))}, "not_matched", "has its end, the event 'c'"),
        ({"keywords": None}, "not_matched", "no CloudEvent"),
        ({"keywords": keywords(False, False)}, "not_matched", "none of the keywords of include"),
        ({"keywords": keywords(True, False, match_mode="ALL")}, "not_matched", "lacks the keyword 'w1'"),
        ({"keywords": keywords(True, exclude=(False, True))}, "not_matched", "holds the excluded keyword 'w1'"),
        ({"progress": Progress(99, 50)}, "pending", "not been read yet: hooks are at the sequence 99"),
        ({"progress": Progress(1000, 99)}, "pending", "under way"),
        ({"progress": None}, "pending", "Nobody has begun"),
        ({"hook": replace(FACTS.hook, created=LATER, changed=LATER)}, "hook_newer", "older than the hook"),
        ({"hook": replace(FACTS.hook, changed=LATER)}, "hook_newer", f"was changed at {LATER}"),
        ({}, "unknown", "no trace of it"),
        ({"attempts": (FAILED,)}, "unknown", "neither parked nor a dead letter now"),
        ({"event": replace(FACTS.event, sequence=0), "progress": None}, "unknown", "no trace"),
    ],
)
def test_the_first_rule_that_holds_gives_the_verdict(changes: dict[str, Any], verdict: Verdict, reason: str) -> None:
    found = explanation(replace(FACTS, **changes))
    assert found.verdict == verdict
    assert reason in found.because[0]
    assert all(sentence.endswith(".") for sentence in found.because)


def test_what_could_not_be_decided_is_told() -> None:
    found = explanation(replace(FACTS, keywords=keywords(None), progress=None))
    assert found.verdict == "pending", "what is undecided counts as wanted"
    assert "Whether 'w0' is found could not be decided in time." in found.because


def test_a_hook_that_was_another_one_then_is_told() -> None:
    found = explanation(replace(FACTS, subject=ELSEWHERE, hook=replace(FACTS.hook, changed=LATER)))
    assert found.verdict == "not_matched"
    assert "it may have been another one then" in found.because[-1]


def test_a_copy_that_a_replay_brought_is_told() -> None:
    found = explanation(replace(FACTS, attempts=(DELIVERED,), parked=replace(PARKED, replay="r1")))
    assert found.verdict == "delivered"
    assert found.because[-1] == "The copy that is parked was brought by the replay r1."


@pytest.mark.parametrize(
    ("pattern", "subject", "difference"),
    [
        ("ops.a.b", "ops.a.c", Difference(3, "b", "c")),
        ("ops.*.b", "ops.a.c", Difference(3, "b", "c")),
        ("ops.a", "ops.a.c", Difference(3, "", "c")),
        ("ops.a.c", "ops.a", Difference(3, "c", "")),
        ("ops.a.*", "ops.a", Difference(3, "*", "")),
        ("ops.a.>", "ops.a", Difference(3, ">", "")),
        ("ops.x.>", "ops.a.b.c", Difference(2, "x", "a")),
    ],
)
def test_where_subjects_part_is_told(pattern: str, subject: str, difference: Difference) -> None:
    assert subject_facts(pattern, subject) == SubjectFacts(False, difference)


TOKENS = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=4)


@given(TOKENS, st.sampled_from([[], [">"]]), st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5))
def test_subjects_part_where_the_filter_does_not_see_them(
    tokens: list[str], rest: list[str], subject: list[str]
) -> None:
    pattern, whole = ".".join(tokens + rest), ".".join(subject)
    found = subject_facts(pattern, whole)
    assert found.matches is matches(pattern, whole)
    assert (found.first_difference is None) is found.matches


VERDICTS = st.lists(st.sampled_from([True, False, None]), max_size=4)


@given(VERDICTS, VERDICTS, st.sampled_from(["ANY", "ALL"]))
def test_keywords_mean_together_what_they_mean_for_delivery(
    include: list[bool | None], exclude: list[bool | None], match_mode: str
) -> None:
    hook = compiled(
        include=[f"i{place}" for place in range(len(include))],
        exclude=[f"e{place}" for place in range(len(exclude))],
        matchMode=match_mode,
    )
    found = {f"include[{place}]": verdict for place, verdict in enumerate(include)}
    found |= {f"exclude[{place}]": verdict for place, verdict in enumerate(exclude)}

    def find(keyword: Keyword) -> bool | None:
        return found[keyword.place]

    facts = keyword_facts(words(*include), words(*exclude), match_mode, "CONTAINS")
    assert facts.wanted is hook.verdict(find)
