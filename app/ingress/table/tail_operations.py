"""The row of the table for the live tail."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from app.ingress.table.operations import Operation, Query
from app.ingress.tail import LAST_EVENT_ID, TailEndpoint

_SINCE: Final = Query(
    "start_time",
    "Start with what the stream has taken since this time, in milliseconds since 1970; without it, start now.",
    {"type": "integer", "minimum": 0, "maximum": 10**14 - 1},
)
_BEHIND: Final = Query(
    "last_event_id",
    f"The same as the header {LAST_EVENT_ID}, for clients that cannot set headers. The header wins.",
    {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
)
_RESUMES: Final = "Resumes behind the event with this id: nothing is lost or comes twice. It wins over `start_time`."


def tail_operations(tail: TailEndpoint) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            "/api/v1/events/{filter:text}/tail",
            tail.tail,
            "tailEvents",
            "Follow the events that a filter sees, as they come.",
            answer="EventStream",
            headers={LAST_EVENT_ID: _RESUMES},
            query=(_SINCE, _BEHIND),
            express=True,
            problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE),
        ),
    )
