"""Hooks asked in threads: what is decided, what stays undecided, who rests and who trips."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from math import inf
from typing import Any

import pytest

from app.hooks.matching import fuse, judge
from app.hooks.matching.index import candidates
from app.hooks.matching.judge import Judge
from app.hooks.matching.match import CompiledHook, Keyword
from app.hooks.matching.pattern import Pattern
from app.hooks.matching.text import Text
from app.hooks.matching.wanting import Found, wanting
from tests.unit.hooks.resources import compiled, received
from tests.unit.hooks.test_pattern import HOSTILE, HOSTILE_TEXT

TARGET = "hooks.ops-system.h"
HANG = 20  # seconds: nothing here takes so long


def regex(name: str = "h", **keywords: Any) -> CompiledHook:
    return compiled("ops.a", name, matchType="REGEX", **keywords)


def hostile(name: str = "h") -> CompiledHook:
    return regex(name, include=[HOSTILE])


def names(hooks: list[CompiledHook]) -> list[str]:
    return sorted(each.hook.metadata.name for each in hooks)


class Stage:
    """A judge, and what it was told to pause."""

    def __init__(self) -> None:
        self.tripped: list[tuple[str, str]] = []
        self.judge = Judge(lambda target, reason: self.tripped.append((target, reason)))

    async def ask(self, text: str, *hooks: CompiledHook) -> Found:
        async with asyncio.timeout(HANG):
            return await self.judge.decide(wanting(candidates(hooks), received(text)))


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.judge.close()


@dataclass
class Gate:
    """A pattern whose search waits until it is let go."""

    cost: float = inf
    begun: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def search(self, _: Text) -> bool:
        self.begun.set()
        assert self.let_go.wait(HANG)
        return True


@dataclass
class Recorder:
    """A pattern that writes down when it was looked for."""

    name: str
    order: list[str]
    cost: float = inf

    def search(self, _: Text) -> bool:
        self.order.append(self.name)
        return True


@dataclass
class Faulty:
    cost: float = inf

    def search(self, _: Text) -> bool:
        raise LookupError("a fault of ours")


def looking_for(pattern: Pattern, name: str = "h") -> CompiledHook:
    return replace(hostile(name), include=(Keyword("include[0]", pattern),))


async def test_open_hooks_are_decided(stage: Stage) -> None:
    found = await stage.ask(
        "BackOff in prod",
        regex("both", include=["(?=.*BackOff)(?=.*prod)"]),
        regex("none", include=["BackOff(?!.*prod)"]),
        regex("excluded", exclude=["(?=prod)"]),
        compiled(name="quick", include=["prod"]),
    )

    assert names(found.wanted) == ["both", "quick"]
    assert not found.open
    assert not found.undecided


@pytest.mark.parametrize(("text", "wanted"), [("a", True), ("b", False)])
async def test_one_hook_can_be_asked(stage: Stage, text: str, *, wanted: bool) -> None:
    assert await stage.judge.wants(regex(include=["(?=a)"]), received(text)) is wanted
    assert await stage.judge.wants(compiled(include=["a"]), received(text)) is wanted
    assert await stage.judge.wants(compiled(), received(text)) is True


async def test_long_texts_have_the_same_verdicts_as_short_ones(stage: Stage) -> None:
    def hooks() -> list[CompiledHook]:
        wanted = (["needle"], ["needle", "other"], ["nothing"])
        return [
            compiled(name=f"h{number}", include=include, exclude=["zz"], matchType=match_type, matchMode=mode)
            for number, (match_type, mode, include) in enumerate(
                product(("CONTAINS", "EXACT", "REGEX"), ("ANY", "ALL"), wanted)
            )
        ]

    short = await stage.ask("key: needle \nmore: b \n", *hooks())
    long = await stage.ask("key: needle \nmore: b \n" + "k: filler \n" * 80_000, *hooks())

    assert names(long.wanted) == names(short.wanted)
    assert len(short.wanted) == 9
    assert not long.undecided


async def test_what_runs_out_of_time_is_undecided_and_says_so(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "PATIENCE", HANG)
    with caplog.at_level(logging.WARNING):
        found = await stage.ask(HOSTILE_TEXT, hostile("bad"), regex("good", include=["(?=!)"]))

    assert (names(found.undecided), names(found.wanted)) == (["bad"], ["good"])
    assert "include[0] of hooks.ops-system.bad" in caplog.text
    assert "aaaa" not in caplog.text
    assert await stage.judge.wants(hostile(), received(HOSTILE_TEXT)) is None


async def test_after_that_the_hook_rests_and_then_is_asked_again(stage: Stage) -> None:
    hook = hostile()
    assert not (await stage.ask("b", hook)).undecided, "decided"
    assert (await stage.ask(HOSTILE_TEXT, hook)).undecided, "out of time"
    assert not wanting(candidates([hook]), received("b")).open, "nothing is searched"
    assert (await stage.ask("b", hook)).undecided
    hook.fuse.mend()
    assert not (await stage.ask("b", hook)).undecided, "searched again"


async def test_a_hook_that_began_to_rest_meanwhile_is_not_searched(stage: Stage) -> None:
    hook = regex(include=["(?=a)"])
    found = wanting(candidates([hook]), received("a"))
    hook.fuse.overrun(time.monotonic())

    assert (await stage.judge.decide(found)).undecided == [hook]


async def test_a_hook_that_keeps_running_out_of_time_trips(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "REST", 0.0)
    hook = regex(include=["x", "y", HOSTILE])
    for _ in range(fuse.OVERRUNS):
        assert not stage.tripped
        assert (await stage.ask(HOSTILE_TEXT, hook)).undecided == [hook]
    await asyncio.sleep(0)

    assert [target for target, _ in stage.tripped] == [TARGET]
    reason = stage.tripped[0][1]
    assert "include[2]" in reason
    assert "5 events within 10 minutes" in reason
    assert HOSTILE not in reason
    assert hook.fuse.rests(time.monotonic())


async def test_a_hook_that_was_changed_begins_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "REST", 0.0)
    for _ in range(fuse.OVERRUNS + 1):
        assert (await stage.ask(HOSTILE_TEXT, hostile())).undecided
    await asyncio.sleep(0)

    assert not stage.tripped


async def test_after_one_keyword_that_takes_too_long_the_hooks_others_are_left_alone(stage: Stage) -> None:
    """One event costs a hook one overrun, however many of its keywords are hostile."""
    gates = [Gate(), Gate()]
    others = (Keyword(f"include[{number}]", gate) for number, gate in enumerate(gates, 1))
    hook = replace(hostile(), include=(*hostile().include, *others))

    assert (await stage.ask(HOSTILE_TEXT, hook)).undecided == [hook]
    assert not any(gate.begun.is_set() for gate in gates)


async def test_an_expression_of_the_linear_engine_trips_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "REST", 0.0)
    monkeypatch.setattr(judge, "TIMEOUT", -1.0)  # whatever a search takes is too long
    hook = regex(include=["a.{0,300}b"])
    for _ in range(fuse.OVERRUNS):
        found = await stage.ask("a" * 30_000, hook)
        assert (found.wanted, found.undecided) == ([], []), "decided all the same"
    await asyncio.sleep(0)

    assert [target for target, _ in stage.tripped] == [TARGET]


async def test_a_text_too_long_for_an_expression_is_undecided_and_counts_against_nobody(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = regex(include=["a.{0,300}b"])
    monkeypatch.setattr(judge, "LONGEST", hook.cost * 99_999)

    assert (await stage.ask("a" * 100_000, hook)).undecided == [hook]
    assert not hook.fuse.strained
    assert (await stage.ask("a" * 90_000, hook)).undecided == []


async def test_hooks_that_have_no_turn_in_time_are_undecided_and_not_to_blame(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "PATIENCE", 0.2)
    gate = Gate()
    hooks = [looking_for(gate), *(hostile(f"h{number}") for number in range(10))]
    found = await stage.ask(HOSTILE_TEXT, *hooks)
    gate.let_go.set()

    assert len(found.undecided) == len(hooks)
    assert not any(hook.fuse.strained for hook in hooks)


async def test_who_took_long_before_is_asked_last(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "REST", 0.0)
    order: list[str] = []
    hooks = [looking_for(Recorder(name, order), name) for name in ("a", "b", "c")]
    hooks[0].fuse.overrun(time.monotonic())
    await stage.ask("a", *hooks)

    assert order == ["b", "c", "a"]


async def test_where_no_thread_is_free_in_time_hooks_are_undecided(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = [Gate() for _ in range(judge.THREADS)]
    held = [asyncio.create_task(stage.ask("a", looking_for(gate))) for gate in gates]
    await asyncio.gather(*(asyncio.to_thread(gate.begun.wait, HANG) for gate in gates))
    monkeypatch.setattr(judge, "PATIENCE", 0.05)
    found = await stage.ask("a", regex("late", include=["(?=a)"]), compiled(name="quick", include=["a"]))
    for gate in gates:
        gate.let_go.set()

    assert (names(found.undecided), names(found.wanted)) == (["late"], ["quick"])
    assert [names((await each).wanted) for each in held] == [["h"]] * judge.THREADS


async def test_what_was_decided_before_the_time_was_over_counts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    found = await stage.ask("a", regex("first", include=["(?=a)"]), looking_for(gate, "second"))
    gate.let_go.set()

    assert (names(found.wanted), names(found.undecided)) == (["first"], ["second"])


async def test_a_fault_of_ours_is_no_verdict(stage: Stage) -> None:
    with pytest.raises(LookupError):
        await stage.ask("a", looking_for(Faulty()))
