"""From a posted event to one on the stream: traced where it was chosen to be, and counted."""

from __future__ import annotations

from collections.abc import Callable

from app.events.compose import Composed
from app.events.trace_context import TraceContext
from app.jetstream.publish import Publish, Stored
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces

Make = Callable[[TraceContext | None], Composed]  # an event that carries a context


class Intake:
    """Stores events, one at a time."""

    def __init__(self, publish: Publish, metrics: Metrics, source: str, traces: Traces = OFF) -> None:
        """`source` names the way by which they come, in the metrics."""
        self._publish = publish
        self._metrics = metrics
        self._source = source
        self._traces = traces

    async def __call__(self, sent: TraceContext | None, make: Make) -> tuple[Composed, Stored]:
        """Store what `make` makes, in the trace that was sent with it; returns once JetStream has acknowledged.

        Raises:
            UnavailableError, TooLargeError: As `Publish`.
        """
        span = self._traces.enter("ingest", "server", sent)
        if span is None:
            passed = self._traces.passed(sent)
            event = make(passed)
            return event, await self._store(event, passed)
        with span:
            event = make(span.context)
            span.say({"http.request.method": "POST", **about(event)})
            return event, await self._store(event, span.context)

    async def _store(self, event: Composed, context: TraceContext | None) -> Stored:
        headers = event.headers if context is None else {**event.headers, **context.attributes}
        stored = await self._publish(event.subject, event.payload, headers)
        self._metrics.stored(self._source, event.type)
        return stored


def about(event: Composed) -> dict[str, str]:
    """What a span says of an event, by OpenTelemetry's conventions."""
    return {
        "messaging.system": "nats",
        "messaging.destination.name": event.subject,
        "messaging.message.id": event.id,
        "cloudevents.event_type": event.type,
    }
