"""The same as `intake.py` for the events of one batch, which only came together: each has a trace of its own.

An event that brought a context in its attributes goes on with that; where the batch is traced, each of the others
begins a trace that has a link to the batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from starlette.requests import Request

from app.events import trace_context
from app.events.compose import Composed
from app.events.trace_context import TraceContext
from app.ingress.intake import about
from app.jetstream.batch import Outcome, publish_all
from app.jetstream.publish import Pipeline, Stored
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces

_MOST: Final = 100  # events of a batch that are traced: more of them would hold up others


class BatchIntake:
    """Stores the events of a batch."""

    def __init__(self, pipeline: Pipeline, metrics: Metrics, traces: Traces = OFF) -> None:
        self._pipeline = pipeline
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, request: Request, events: Sequence[Composed]) -> list[Outcome]:
        """Store them; what became of each.

        Raises:
            TooLargeError: As `publish_all`.
        """
        span = self._traces.enter("ingest batch", "server", trace_context.posted(request.scope["headers"]))
        if span is None:
            return self._counted(events, await self._published(events, None))
        with span:
            span.say({"messaging.batch.message_count": len(events)})
            return self._counted(events, await self._published(events, span.context))

    async def _published(self, events: Sequence[Composed], batch: TraceContext | None) -> list[Outcome]:
        with ExitStack() as spans:
            carrying = [self._carrying(event, batch, spans) for event in events[:_MOST]]
            return await publish_all(self._pipeline, [*carrying, *events[_MOST:]])

    def _carrying(self, event: Composed, batch: TraceContext | None, spans: ExitStack) -> Composed:
        """The event in the trace that it brought, or in one of its own that has a link to the batch."""
        if event.trace is not None:
            span = self._traces.enter("publish", "producer", event.trace)
        else:
            span = None if batch is None else self._traces.gather("publish", "producer", [batch])
        if span is None:
            return event
        spans.enter_context(span).say(about(event))
        return event._replace(headers={**event.headers, **span.context.attributes})

    def _counted(self, events: Sequence[Composed], outcomes: list[Outcome]) -> list[Outcome]:
        types = Counter(
            event.type for event, outcome in zip(events, outcomes, strict=True) if isinstance(outcome, Stored)
        )
        for event_type, count in types.items():
            self._metrics.stored("cloudevents", event_type, count)
        return outcomes
