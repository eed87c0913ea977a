"""A real OTLP/HTTP receiver on loopback, which traces are brought to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from tests.servers import free_port


@dataclass(frozen=True)
class Span:
    """A step, as it was brought."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]  # trace and span
    attributes: dict[str, str]
    failed: bool
    resource: dict[str, str]

    @property
    def context(self) -> str:
        """Its `traceparent`."""
        return f"00-{self.trace}-{self.id}-01"


@dataclass
class Collector:
    """Keeps every span."""

    port: int = field(default_factory=free_port)
    spans: list[Span] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def environment(self) -> dict[str, str]:
        """What has a process bring its traces here, soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def of(self, trace: str) -> list[Span]:
        return [span for span in self.spans if span.trace == trace]

    async def wait_for(self, reached: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until what has arrived is enough."""
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(reached)
        except TimeoutError:
            raise AssertionError([(span.name, span.trace, span.id, span.parent) for span in self.spans]) from None

    async def open(self) -> None:
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        sent = ExportTraceServiceRequest.FromString(await request.read())
        self.spans += _spans(sent)
        async with self._arrived:
            self._arrived.notify_all()
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=request.content_type)


@contextlib.asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    await collector.open()
    try:
        yield collector
    finally:
        await collector.close()


def children(spans: Iterable[Span], of: Span | str) -> list[Span]:
    """Those whose parent is a span, or the one of a context."""
    parent = of.split("-")[2] if isinstance(of, str) else of.id
    return [span for span in spans if span.parent == parent]


def only(spans: Sequence[Span], name: str) -> Span:
    """The one of a name."""
    (found,) = [span for span in spans if span.name == name]
    return found


def _spans(sent: ExportTraceServiceRequest) -> list[Span]:
    return [
        _span(span, {one.key: one.value.string_value for one in group.resource.attributes})
        for group in sent.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _span(span: Sent, resource: dict[str, str]) -> Span:
    return Span(
        name=span.name,
        kind=Sent.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        attributes={one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes},
        failed=span.status.code == 2,
        resource=resource,
    )
