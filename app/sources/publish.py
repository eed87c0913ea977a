"""Typed publishers: one FastStream publisher per row of the catalog, from which AsyncAPI describes the channels too.

The watchers publish through them, and so can any Python program: see `docs/publishing.md`. What an event is made of
stands in `events/compose.py`, how it is stored in `jetstream/publish.py`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, Final

from faststream.exceptions import IncorrectState
from faststream.nats import JStream, NatsBroker
from faststream.nats.schemas import PubAck
from nats.errors import Error as NatsError

from app.errors import TooLargeError, UnavailableError
from app.events import cloudevent
from app.events.catalog import CATALOG, EventType, P
from app.events.compose import Attributes, Composed, Extension, compose
from app.jetstream.publish import Stored, Transport
from app.telemetry.traces import OFF, Span, Traces
from streams.subjects import OPS

_ACK_TIMEOUT: Final = 5.0  # seconds
_HEADERS: Final = 2048  # bytes that the headers of a message have at most, FastStream's own among them


class EventPublishers:
    """Publishes payloads of the catalog as CloudEvents."""

    def __init__(
        self,
        broker: NatsBroker,
        cluster: str,
        transport: Transport | None = None,
        count: Callable[[str], None] = lambda _: None,
        traces: Traces = OFF,
    ) -> None:
        """Put the publishers on a broker.

        Args:
            broker: Describes the channels, and publishes where there is no transport.
            cluster: The name of the cluster that the events come from.
            transport: A faster way to the stream: publishes many at a time and tries again while NATS is away.
            count: Is told the type of each event that is stored.
            traces: Where what is published begins a trace.
        """
        self._cluster = cluster
        self._transport = transport
        self._count = count
        self._traces = traces
        stream = JStream(OPS, declare=False)
        self._typed = {row.channel: _TypedPublisher(broker, stream, row) for row in CATALOG}

    async def publish(
        self,
        row: EventType[P],
        payload: P,
        /,
        *,
        event_id: str | None = None,
        time: dt.datetime | None = None,
        extensions: Mapping[str, Extension] | None = None,
        **names: str,
    ) -> Stored:
        """Publish a payload on a row of the catalog; returns once JetStream keeps it, and says where.

        Args:
            row: One of the constants of `catalog`, such as `catalog.HOST`.
            payload: The row's payload. Where it leaves out its `cluster`, that of the publishers is filled in.
            event_id: Stands for what happened, and makes a repeat within two minutes harmless. Random by default.
            time: When it happened; now by default.
            extensions: More attributes of the envelope, such as `{"deleted": True}`.
            **names: What the row's subject names, such as `namespace="ops-system", host="node-a"`: as they are,
                they are encoded here. Only `event` is one or more tokens already; `subject.join` makes them.

        Raises:
            InvalidSubjectError: A name is missing or unknown, or the subject would be too long.
            ValueError: An id, a time or an extension attribute that no event can have.
            TypeError: A payload that is not the row's.
            UnavailableError: JetStream is away or full.
            TooLargeError: The event is larger than the server takes.
        """
        attributes = Attributes(self._cluster, event_id, time, extensions)
        span = self._traces.enter("publish", "producer", None)
        event = _composed(row, payload, names, attributes, span)
        publish = self._transport or self._typed[row.channel]
        with span or nullcontext():
            stored = await publish(event.subject, event.payload, event.headers)
        self._count(event.type)
        return stored

    async def begin(
        self, row: EventType[P], payload: P, names: Mapping[str, str], attributes: Attributes
    ) -> asyncio.Future[Stored]:
        """Publish as `publish` does, but return once the event is on its way, and try once: for thousands of events.

        Raises:
            UnavailableError, TooLargeError: As `publish`. What is returned ends with an UnavailableError too.
        """
        span = self._traces.enter("publish", "producer", None)
        event = _composed(row, payload, names, attributes, span)
        begun: asyncio.Future[Stored]
        if self._transport is None:
            publish = self._typed[row.channel]
            begun = asyncio.create_task(publish(event.subject, event.payload, event.headers))
        else:
            begun = await self._transport.begin(event.subject, event.payload, event.headers)
        begun.add_done_callback(partial(self._ended, event.type, span))
        return begun

    def _ended(self, event_type: str, span: Span | None, begun: asyncio.Future[Stored]) -> None:
        failed = begun.cancelled() or begun.exception() is not None
        if not failed:
            self._count(event_type)
        if span is not None:
            if failed:
                span.fail("unavailable")
            span.end()


def _composed(
    row: EventType[P], payload: P, names: Mapping[str, str], attributes: Attributes, span: Span | None
) -> Composed:
    """An event, which carries the trace that it begins, if it does."""
    if span is None:
        return compose(row, payload, names, attributes)
    carried = span.context.attributes
    event = compose(row, payload, names, replace(attributes, extensions={**(attributes.extensions or {}), **carried}))
    return event._replace(headers={**event.headers, **carried})


class _TypedPublisher:
    """A row's FastStream publisher as a `Publish`: one try a message, and what FastStream's test broker sees."""

    def __init__(self, broker: NatsBroker, stream: JStream, row: EventType[Any]) -> None:
        self._broker = broker
        self._publisher = broker.publisher(
            row.subject, stream=stream, schema=row.event, title=row.channel, description=row.description
        )

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        try:
            self._refuse_what_is_too_large(len(payload))
            acknowledged: PubAck | None = await self._publisher.publish(
                payload,
                subject=subject,
                # FastStream always adds a lower-case content type, by which its subscribers choose how to decode.
                headers={**headers, "content-type": cloudevent.JSON_TYPE},
                stream=OPS,
                timeout=_ACK_TIMEOUT,
            )
        except (NatsError, IncorrectState) as error:
            identity = headers["Nats-Msg-Id"]
            raise UnavailableError(
                f"JetStream did not confirm the event {identity} ({error}): publish it again with the same id"
            ) from error
        return _stored(acknowledged)

    def _refuse_what_is_too_large(self, size: int) -> None:
        """The server counts headers too and ends the connection of who sends more than it takes; nats-py does not."""
        most: object = self._broker.connection.max_payload
        if isinstance(most, int) and size + _HEADERS > most:  # the test broker has no server that could tell
            raise TooLargeError(f"the event is {size} bytes long: NATS takes {most}, {_HEADERS} of them for headers")


def _stored(acknowledged: PubAck | None) -> Stored:
    if acknowledged is None:  # by FastStream's test broker, which stores nothing
        return Stored(OPS, 0, duplicate=False)
    return Stored(acknowledged.stream, acknowledged.seq, duplicate=bool(acknowledged.duplicate))
