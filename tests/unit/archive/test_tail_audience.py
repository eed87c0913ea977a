"""Which tails see a subject."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.archive import tail_audience
from app.archive.tail import Tail
from app.archive.tail_audience import Audience
from app.events.subject import matches
from tests.unit.archive.tailed import tail

patterns = st.sampled_from(["ops.>", "ops.*", "ops.a", "ops.b", "ops.a.>", "ops.*.b"])
SUBJECTS = ("ops.a", "ops.b", "ops.a.b", "ops.c.b.a")


def found(audience: Audience, subject: str) -> set[Tail]:
    return {each for group in audience.of(subject) for each in group}


@given(st.lists(st.tuples(st.booleans(), patterns), max_size=20))
def test_whoever_comes_and_goes_those_who_are_there_are_found(steps: list[tuple[bool, str]]) -> None:
    audience, there = Audience(), list[Tail]()
    for comes, pattern in steps:
        if comes:
            there.append(tail(pattern))
            audience.add(there[-1])
        elif there:
            audience.discard(there.pop(0))
        for subject in SUBJECTS:
            assert found(audience, subject) == {each for each in there if matches(each.pattern, subject)}
    assert set(audience) == set(there)
    assert all(each in audience for each in there)


def test_who_was_never_there_can_go() -> None:
    audience, stranger = Audience(), tail("ops.a")
    audience.add(tail("ops.a"))
    audience.discard(stranger)
    audience.discard(tail("ops.other"))
    assert stranger not in audience
    assert len(found(audience, "ops.a")) == 1


def test_the_memory_for_subjects_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_audience, "_REMEMBERED", 3)
    audience = Audience()
    audience.add(tail("ops.>"))
    for number in range(20):
        assert len(found(audience, f"ops.{number}")) == 1
        assert len(audience._remembered) <= 3
