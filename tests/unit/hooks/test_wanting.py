"""Which hooks want an event: what is told at once, and what stays open."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.hooks.matching import wanting as wanting_module
from app.hooks.matching.index import candidates
from app.hooks.matching.match import CompiledHook
from app.hooks.matching.wanting import Found, wanting
from tests.unit.hooks.resources import compiled, received

LONG = "a" * 1024 * 1024


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter_ns", lambda: 0)


def found(text: str, *hooks: CompiledHook) -> Found:
    return wanting(candidates(hooks), received(text))


def names(hooks: list[CompiledHook]) -> list[str]:
    return [each.hook.metadata.name for each in hooks]


def regex(name: str = "h", **keywords: Any) -> CompiledHook:
    return compiled("ops.a", name, matchType="REGEX", **keywords)


def test_hooks_that_want_every_event_have_nothing_read() -> None:
    at_once = found("a", compiled(name="x"), compiled(name="y"))

    assert names(at_once.wanted) == ["x", "y"]
    assert at_once.text is None


def test_quick_hooks_are_told_at_once() -> None:
    at_once = found(
        "disk full",
        compiled(name="all"),
        compiled(name="disk", include=["disk"]),
        compiled(name="cpu", include=["cpu"]),
    )

    assert names(at_once.wanted) == ["all", "disk"]
    assert not at_once.open
    assert not at_once.undecided


def test_many_quick_hooks_are_told_at_once() -> None:
    at_once = found(
        "word-7 word-33", *(compiled(name=f"h{number}", include=[f"word-{number}"]) for number in range(50))
    )

    assert names(at_once.wanted) == ["h3", "h7", "h33"]


def test_lookaround_stays_open() -> None:
    at_once = found("a", regex("slow", include=["(?=a)"]), regex("quick", include=["a"]))

    assert names(at_once.wanted) == ["quick"]
    assert names(at_once.open) == ["slow"]


@pytest.mark.parametrize(
    ("keywords", "wanted"),
    [
        ({"include": ["(?=b)"], "exclude": ["a"]}, False),
        ({"include": ["(?=b)", "a"]}, True),
        ({"include": ["(?=b)", "c"], "matchMode": "ALL"}, False),
        ({"include": ["c"], "exclude": ["(?=a)"]}, False),
    ],
)
def test_a_hook_whose_quick_keywords_decide_does_not_stay_open(keywords: dict[str, Any], *, wanted: bool) -> None:
    at_once = found("a", regex(**keywords))

    assert not at_once.open
    assert not at_once.undecided
    assert bool(at_once.wanted) is wanted


def test_a_long_text_leaves_open_what_may_take_long_in_it() -> None:
    at_once = found(
        LONG,
        compiled(name="word", include=["b"]),
        compiled(name="words", include=["a", "b"]),
        regex("cheap", include=["a|b"], exclude=["[b-d]"]),
        regex("costly", include=["a.{0,300}b"]),
        compiled(name="exact", include=["b"], matchType="EXACT"),
    )

    assert names(at_once.wanted) == ["words"]
    assert names(at_once.open) == ["cheap", "costly", "exact"]


def test_a_short_text_leaves_nothing_open_whatever_the_expressions_are() -> None:
    costly = [regex(f"h{number}", include=["a.{0,300}b", "b.{0,300}c"]) for number in range(20)]

    assert not found("a" * 100, *costly).open


def test_when_the_time_on_the_loop_is_over_the_rest_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = [regex(f"h{number}", include=["x.{0,100}y"]) for number in range(3)]
    worst = int(hooks[0].cost * 99)
    monkeypatch.setattr(wanting_module, "AT_ONCE", worst)
    # The beginning, the one gate, and each hook and its keyword: the first search was quick, the second was not.
    ticks = iter([0, 0, 0, 0, 0, 0, 1, 1])
    monkeypatch.setattr("app.hooks.matching.wanting.time.perf_counter_ns", lambda: next(ticks))

    assert names(found("a" * 99, *hooks).open) == ["h2"]


def test_when_the_time_on_the_loop_is_over_hooks_stay_open_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = [regex(f"h{number}", include=["a", "(?=b)"]) for number in range(3)]
    ticks = iter([0, 0, 0, *[wanting_module.AT_ONCE + 1] * 2])  # the others are not even begun with
    monkeypatch.setattr("app.hooks.matching.wanting.time.perf_counter_ns", lambda: next(ticks))

    at_once = found("a", *hooks)
    assert (names(at_once.wanted), names(at_once.open)) == (["h0"], ["h1", "h2"])


def test_when_the_time_on_the_loop_is_over_no_gate_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = [compiled(name=f"h{number}", include=[f"word-{number}"]) for number in range(50)]
    assert len(candidates(hooks).quick) == 1
    ticks = iter([0, wanting_module.AT_ONCE + 1])
    monkeypatch.setattr("app.hooks.matching.wanting.time.perf_counter_ns", lambda: next(ticks))

    assert found("nothing", *hooks).wanted == []


def test_who_rests_is_undecided_unless_quick_keywords_decide() -> None:
    resting = [
        regex("open", include=["(?=a)"]),
        regex("excluded", include=["(?=a)"], exclude=["a"]),
        regex("included", include=["(?=a)", "a"]),
        compiled(name="quick", include=["a"]),
    ]
    for hook in resting:
        hook.fuse.overrun(time.monotonic())
    at_once = found("a", *resting)

    assert not at_once.open
    assert names(at_once.undecided) == ["open"]
    assert sorted(names(at_once.wanted)) == ["included", "quick"]
