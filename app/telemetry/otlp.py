"""Spans by OpenTelemetry's SDK, brought by OTLP over HTTP. Loaded by `traces.py` where tracing is on.

Where to, with which headers, how often: the SDK reads the standard variables (`OTEL_EXPORTER_OTLP_…`, `OTEL_BSP_…`,
`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`). Which spans there are at all is decided before (`sampling.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from app.events.trace_context import TraceContext
from app.telemetry.sampling import Sampling
from app.telemetry.traces import Kind, Value

_KINDS: Final[Mapping[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_LAST: Final = 3.0  # seconds for what is left at the end
_NOWHERE: Final = Context()
_FAILED: Final = Status(StatusCode.ERROR)


class _Ids(RandomIdGenerator):
    """Ids that others who sample by them decide alike about."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling

    def generate_trace_id(self) -> int:
        return self._sampling.trace_id()

    def is_trace_id_random(self) -> bool:
        return False  # they are below a bound


class SdkSpan:
    """A span of the SDK."""

    __slots__ = ("_span", "context")

    def __init__(self, span: Span) -> None:
        self._span = span
        self.context = _told(span.get_span_context())

    def say(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(attributes)

    def fail(self, error: str) -> None:
        self._span.set_attribute("error.type", error)
        self._span.set_status(_FAILED)

    def end(self) -> None:
        self._span.end()


class SdkRecorder:
    """A tracer of our own: nothing is put into the SDK's globals, which belong to who embeds this program."""

    def __init__(self, sampling: Sampling, service: str, version: str, instance: str) -> None:
        ours = {SERVICE_NAME: service, SERVICE_VERSION: version, SERVICE_INSTANCE_ID: instance}
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource(ours).merge(OTELResourceDetector().detect()),
            id_generator=_Ids(sampling),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(service, version)

    def begin(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        *,
        links: Sequence[TraceContext],
        began: int | None,
    ) -> SdkSpan:
        span = self._tracer.start_span(
            name,
            context=_NOWHERE if parent is None else set_span_in_context(NonRecordingSpan(_read(parent)), _NOWHERE),
            kind=_KINDS[kind],
            links=[Link(_read(link)) for link in links],
            start_time=began,
        )
        return SdkSpan(span)

    def close(self) -> None:
        # The SDK takes as long as it tries again where nobody listens: a thread that nobody waits for at the end.
        closing = Thread(target=self._provider.shutdown, name="closing the traces", daemon=True)
        closing.start()
        closing.join(_LAST)


def _read(context: TraceContext) -> SpanContext:
    _, trace_id, span_id, flags = context.parent.split("-")
    state = TraceState.from_header([context.state]) if context.state else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)), state)


def _told(span: SpanContext) -> TraceContext:
    parent = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return TraceContext(parent, span.trace_state.to_header())
