"""Posted events: a JSON object becomes an event on the stream, and the answer comes after JetStream's."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.events import cloudevent, subject, trace_context
from app.events.catalog import DEFAULT_TYPE
from app.events.cloudevent import CloudEvent
from app.events.compose import Composed
from app.events.trace_context import TraceContext
from app.ingress import body
from app.ingress.access.callers import caller
from app.ingress.intake import Intake
from app.ingress.problems import ProblemError, success
from app.jetstream.publish import Stored

_KEY_LENGTH: Final = 255


class PostedEvents:
    """`POST /api/v1/namespaces/{namespace}/events/{event}`."""

    def __init__(self, intake: Intake, cluster: str) -> None:
        self._intake = intake
        self._cluster = cluster

    async def post(self, request: Request) -> Response:
        names = request.path_params
        destination = subject.posted(self._cluster, names["namespace"], names["event"])
        caller(request).require_publish(destination)
        data = await body.read(request)
        event = self._event(destination, body.json_object(data), body.header(request, b"idempotency-key"))
        sent = trace_context.posted(request.scope["headers"])
        composed, stored = await self._intake(sent, partial(_composed, event, destination, data))
        return success(told(composed.id, destination, stored))

    def _event(self, destination: str, data: dict[str, Any], key: bytes | None) -> CloudEvent[Any]:
        return CloudEvent(
            id=cloudevent.random_id() if key is None else self._keyed_id(destination, key),
            type=_type(data),
            subject=destination,
            time=cloudevent.now(),
            cluster=self._cluster,
        )

    def _keyed_id(self, destination: str, key: bytes) -> str:
        if not 0 < len(key) <= _KEY_LENGTH:
            raise ProblemError(
                HTTPStatus.BAD_REQUEST, f"the Idempotency-Key has {len(key)} characters: use 1 to {_KEY_LENGTH}"
            )
        return cloudevent.deterministic_id("idempotency-key", self._cluster, destination, key.decode("latin-1"))


def _composed(event: CloudEvent[Any], destination: str, data: bytes, context: TraceContext | None) -> Composed:
    """The data goes on as it was posted, to the byte."""
    if context is not None:
        event = event.model_copy(update=context.attributes)
    return Composed(
        event.id, destination, cloudevent.encode_with(event, data), cloudevent.headers(event.id), event.type
    )


def told(event_id: str, destination: str, stored: Stored) -> dict[str, Any]:
    """What a client is told of an event that is stored."""
    return {
        "id": event_id,
        "subject": destination,
        "stream": stored.stream,
        "sequence": stored.sequence,
        "duplicate": stored.duplicate,
    }


def _type(data: dict[str, Any]) -> str:
    named = data.get("type")
    return named if isinstance(named, str) and named else DEFAULT_TYPE
