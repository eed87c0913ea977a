"""The rows of the table for what the stream holds: its subjects, and queries."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from app.ingress.query import LATEST, MOST_LENGTH, MOST_SEQUENCE, MOST_TEXT, QueryEndpoints
from app.ingress.table.operations import PAGE, Operation, Query

EVENTS: Final = "/api/v1/events"

_LISTING: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)


def _number(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


_TEXT: Final = {"type": "string", "maxLength": MOST_TEXT}
_SEARCH: Final = Query("search", "A text in the subject, whatever its case.", _TEXT)
_QUERY: Final = (
    Query(
        "start_time",
        "Events that the stream took at this time or later, in milliseconds since 1970. Without it and without"
        " `first_sequence`: the minute before `end_time`, or before now.",
        _number(0, LATEST),
    ),
    Query(
        "end_time",
        "Events that the stream took at this time or earlier, in milliseconds since 1970.",
        _number(0, LATEST),
    ),
    Query("first_sequence", "Events from this place in the stream on.", _number(1, MOST_SEQUENCE)),
    Query(
        "last_sequence",
        "Events up to this place in the stream. To page through a list while events arrive, give `first_sequence` and"
        " `last_sequence` of the first answer with each request that follows.",
        _number(1, MOST_SEQUENCE),
    ),
    Query("type", "Events of this type. Looks at each event, within bounds: see `complete`.", _TEXT),
    Query(
        "search",
        "A text in the event or its subject, whatever its case. Looks at each event, within bounds: see `complete`.",
        _TEXT,
    ),
    Query("max_length", "The list, on all pages, is of so many events at most: the newest.", _number(1, MOST_LENGTH)),
)


def subject_operations(queries: QueryEndpoints) -> tuple[Operation, ...]:
    """The row for `/api/v1/events`, to stand beside the others of that path."""
    return (
        Operation(
            "GET",
            EVENTS,
            queries.subjects,
            "listSubjects",
            "List the subjects that the stream holds events of, and that the token may read.",
            answer="SubjectPage",
            query=(_SEARCH, *PAGE),
            problems=_LISTING,
        ),
    )


def query_operations(queries: QueryEndpoints) -> tuple[Operation, ...]:
    """The row for `/api/v1/events/{filter}`, to stand behind those of longer paths: the filter is the rest of it."""
    return (
        Operation(
            "GET",
            f"{EVENTS}/{{filter:text}}",
            queries.events,
            "queryEvents",
            "List the events that a filter sees, newest first; those of the last minute unless told otherwise.",
            answer="EventPage",
            query=(*_QUERY, *PAGE),
            problems=(*_LISTING, HTTPStatus.TOO_MANY_REQUESTS),
        ),
    )
