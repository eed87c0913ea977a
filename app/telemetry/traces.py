"""Traces: what is recorded of an event's way, from the post to its receivers.

Each step that is recorded is a span; its context goes on with the event, in the message's headers, and the next step,
in whichever process, has it for its parent. An event without a context is one that was not chosen: nothing is made for
it. Where tracing is off, contexts that others sent are passed on as they came. The SDK is loaded only where it is on,
by `otlp.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Literal, Protocol, Self

from app.events.trace_context import TraceContext
from app.telemetry.sampling import Sampling

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool


class Recorded(Protocol):
    """A step as the SDK keeps it."""

    context: TraceContext

    def say(self, attributes: Mapping[str, Value]) -> None: ...

    def fail(self, error: str) -> None: ...

    def end(self) -> None: ...


class Recorder(Protocol):
    """What keeps steps, and brings them to where they are looked at."""

    def begin(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        *,
        links: Sequence[TraceContext],
        began: int | None,
    ) -> Recorded: ...

    def close(self) -> None: ...


class Span:
    """A step that is being recorded; a context manager that ends it, with the kind of the error where there is one."""

    __slots__ = ("_recorded", "context")

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self.context = recorded.context

    def say(self, attributes: Mapping[str, Value]) -> None:
        """Note something of it, under OpenTelemetry's names where it has one."""
        self._recorded.say(attributes)

    def fail(self, error: str) -> None:
        """It goes wrong; `error` is a word for how, never a text that may hold a secret."""
        self._recorded.fail(error)

    def end(self) -> None:
        """It is over."""
        self._recorded.end()

    @contextmanager
    def stepping(self) -> Iterator[TraceContext]:
        """Gives the context of the step, and ends it."""
        with self:
            yield self.context

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        self.end()


class Traces:
    """What is recorded by one process; nothing before it is opened."""

    def __init__(self, sampling: Sampling | None = None) -> None:
        """`sampling` says which traces are recorded; None: tracing is off."""
        self._sampling = sampling
        self._recorder: Recorder | None = None
        if sampling is not None:
            # Not where tracing is off: it takes a third of a second and 15 MiB. Nor any later: what is loaded when the
            # process begins to serve is looked at by the garbage collector again and again.
            from app.telemetry.otlp import SdkRecorder  # noqa: PLC0415

            self._make = partial(SdkRecorder, sampling)

    def open(self, service: str, version: str, instance: str) -> None:
        """Begin to record, if tracing is on; the SDK reads where to bring it from the standard variables."""
        if self._sampling is not None:
            self._recorder = self._make(service, version, instance)

    def close(self) -> None:
        """Bring what is left, in some seconds at most. Blocks: to be called in a thread."""
        if self._recorder is not None:
            self._recorder.close()

    def enter(self, name: str, kind: Kind, sent: TraceContext | None) -> Span | None:
        """A step by which something comes in, with a context or without; None where it is not recorded."""
        if self._recorder is None or self._sampling is None or not self._sampling.takes(sent):
            return None
        return Span(self._recorder.begin(name, kind, sent, links=(), began=None))

    def passed(self, sent: TraceContext | None) -> TraceContext | None:
        """What becomes of a context that came in with what is not recorded."""
        return sent if sent is None or self._recorder is None else sent.unsampled()

    def follow(self, name: str, kind: Kind, parent: TraceContext | None, began: int | None = None) -> Span | None:
        """A step that follows another; None where that is not recorded. `began`: when, if not now, Unix nanoseconds."""
        if parent is None or self._recorder is None or not parent.is_sampled:
            return None
        return Span(self._recorder.begin(name, kind, parent, links=(), began=began))

    def gather(self, name: str, kind: Kind, links: Sequence[TraceContext]) -> Span | None:
        """A step that begins a trace of its own out of several others; None where none of those is recorded."""
        links = [link for link in links if link.is_sampled]
        if not links or self._recorder is None:
            return None
        return Span(self._recorder.begin(name, kind, None, links=links, began=None))


OFF = Traces()
