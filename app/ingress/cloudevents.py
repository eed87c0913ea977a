"""CloudEvents over HTTP: events that others made are published as they are, one or a batch in a request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from app.errors import UnavailableError
from app.events import cloudevent, http, incoming, jsontext, trace_context
from app.events.cloudevent import NotACloudEventError
from app.events.compose import Composed
from app.events.http import Mode
from app.events.jsontext import NotJsonError, TooDeepError
from app.events.subject import InvalidSubjectError
from app.ingress import body
from app.ingress.access.callers import caller
from app.ingress.batch_intake import BatchIntake
from app.ingress.intake import Intake
from app.ingress.problems import Json, ProblemError, success
from app.ingress.publish import told
from app.ingress.table.cloudevents_schemas import MOST_EVENTS
from app.jetstream.batch import Outcome
from app.jetstream.publish import Pipeline, Stored
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces

_TOLD: Final = 20  # faults of a batch
_TURN: Final = 50  # events that are checked without a turn for others, which takes some milliseconds

_ACCEPTED: Final = (
    f"send {cloudevent.CONTENT_TYPE} (an event), {http.BATCH_TYPE} (an array of them), or any other Content-Type with"
    " the event's attributes in ce- headers"
)


class CloudEvents:
    """`POST /api/v1/events`."""

    def __init__(self, pipeline: Pipeline, metrics: Metrics, traces: Traces = OFF) -> None:
        self._intake = Intake(pipeline, metrics, "cloudevents", traces)
        self._batches = BatchIntake(pipeline, metrics, traces)

    async def post(self, request: Request) -> Response:
        headers = request.scope["headers"]
        content_type = (body.header(request, b"content-type") or b"").decode("latin-1")
        try:
            mode = http.mode(content_type, headers)
            if mode is None:
                raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the request holds no event: {_ACCEPTED}")
            posted = await body.read(request)
            if mode is Mode.BATCH:
                return await self._batch(request, posted)
            payload = http.structured(content_type, headers, posted) if mode is Mode.BINARY else posted
        except http.CharsetError as error:
            raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from None
        return await self._single(request, payload)

    async def _single(self, request: Request, payload: bytes) -> Response:
        event = incoming.structured(payload)
        caller(request).require_publish(event.subject)
        sent = trace_context.posted(request.scope["headers"]) or event.trace
        _, stored = await self._intake(sent, lambda _: event)  # nothing is added to what others made
        return success(told(event.id, event.subject, stored))

    async def _batch(self, request: Request, posted: bytes) -> Response:
        """All of it is looked at before any of it is published."""
        try:
            events, faults = await _checked(posted)
        except TooDeepError:
            raise
        except NotJsonError as error:
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"the batch is not a JSON array of events: {error}") from None
        if faults:
            return _refused(faults, len(events) + len(faults))
        for destination in {event.subject for event in events}:
            caller(request).require_publish(destination)
        return _answer(events, await self._batches(request, events))


async def _checked(posted: bytes) -> tuple[list[Composed], list[dict[str, Any]]]:
    """The events of a batch, and what is wrong with the others."""
    events: list[Composed] = []
    faults: list[dict[str, Any]] = []
    for index, (text, value) in enumerate(jsontext.elements(posted)):
        if index == MOST_EVENTS:
            message = f"the batch holds more than {MOST_EVENTS} events: send it in parts"
            raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        if index % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        try:
            events.append(incoming.checked(text, value))
        except (NotACloudEventError, InvalidSubjectError) as error:
            faults.append({"index": index, "id": incoming.id_of(value), "fault": str(error)})
    return events, faults


def _refused(faults: Sequence[dict[str, Any]], number: int) -> Response:
    """What is wrong with a batch: in words for the first event, for the others as data."""
    first = faults[0]
    message = (
        f"{len(faults)} of {number} events are wrong, and none was published: event {first['index']} (from 0):"
        f" {first['fault']}"
    )
    return _problem(HTTPStatus.BAD_REQUEST, message, faults[:_TOLD])


def _answer(events: Sequence[Composed], outcomes: Sequence[Outcome]) -> Response:
    """What became of each event: a success only where all are stored."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, UnavailableError)]
    data = map(_became, events, outcomes)
    if not failed:
        return success(list(data))
    message = (
        f"{len(events) - len(failed)} of {len(events)} events are stored: send the same batch again, which stores the"
        f" others only; {failed[0]}"
    )
    again = {"Retry-After": str(failed[0].retry_after_seconds)}
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, message, data, again)


def _became(event: Composed, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Stored):
        return told(event.id, event.subject, outcome)
    return {"id": event.id, "subject": event.subject, "stream": None, "sequence": None, "duplicate": None}


def _problem(
    status: HTTPStatus, message: str, data: Iterable[dict[str, Any]], headers: dict[str, str] | None = None
) -> Response:
    """An error that says of each event of a batch what is the matter with it."""
    return Json(to_json({"code": -1, "message": message, "data": list(data)}), status, headers)
