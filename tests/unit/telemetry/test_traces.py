from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from app.events.trace_context import TraceContext
from app.telemetry.sampling import Sampling
from app.telemetry.traces import OFF, Kind, Traces, Value

CONTEXT = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def test_where_tracing_is_off_nothing_is_made_and_what_comes_is_passed_on() -> None:
    OFF.open("s", "1", "i")
    assert OFF.enter("a", "server", CONTEXT) is None
    assert OFF.follow("a", "server", CONTEXT) is None
    assert OFF.gather("a", "server", [CONTEXT]) is None
    assert OFF.passed(CONTEXT) == CONTEXT
    OFF.close()


def test_before_it_is_opened_nothing_is_recorded() -> None:
    assert Traces(Sampling()).enter("a", "server", CONTEXT) is None


@dataclass
class Kept:
    """A step, and what was said of it."""

    name: str
    context: TraceContext
    links: Sequence[TraceContext] = ()
    said: dict[str, Value] = field(default_factory=dict)
    error: str = ""
    over: bool = False

    def say(self, attributes: Mapping[str, Value]) -> None:
        self.said |= attributes

    def fail(self, error: str) -> None:
        self.error = error

    def end(self) -> None:
        self.over = True


class Book:
    """Keeps steps in memory."""

    def __init__(self) -> None:
        self.steps: list[Kept] = []

    def begin(
        self, name: str, kind: Kind, parent: TraceContext | None, *, links: Sequence[TraceContext], began: int | None
    ) -> Kept:
        del kind, parent, began
        self.steps.append(Kept(name, TraceContext(f"00-{'a' * 32}-{len(self.steps) + 1:016x}-01"), links))
        return self.steps[-1]

    def close(self) -> None: ...


def recording(sampling: Sampling) -> tuple[Traces, Book]:
    traces, book = Traces(sampling), Book()
    traces._recorder = book
    return traces, book


def test_what_is_not_chosen_is_told_to_the_next_one() -> None:
    traces, book = recording(Sampling(0.0, by_parent=False))
    assert traces.enter("a", "server", CONTEXT) is None
    assert traces.passed(CONTEXT) == CONTEXT.unsampled()
    assert traces.follow("b", "client", CONTEXT.unsampled()) is None
    assert book.steps == []


def test_a_step_that_raises_is_over_and_says_which_kind_of_error_but_not_its_text() -> None:
    traces, book = recording(Sampling())
    span = traces.enter("a", "server", None)
    assert span is not None
    with pytest.raises(ValueError, match="s3cret"), span:
        raise ValueError("s3cret")
    assert [(step.error, step.over, step.said) for step in book.steps] == [("ValueError", True, {})]


def test_a_step_out_of_several_has_links_to_those_that_are_recorded() -> None:
    traces, book = recording(Sampling(0.0))
    assert traces.gather("a", "internal", [CONTEXT.unsampled()]) is None
    assert traces.gather("a", "internal", [CONTEXT, CONTEXT.unsampled()]) is not None
    assert [step.links for step in book.steps] == [[CONTEXT]]
