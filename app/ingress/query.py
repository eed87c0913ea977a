"""What the stream holds, over HTTP: its subjects, and the events that a filter sees, newest first."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, Protocol

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from app.archive.criteria import Criteria
from app.archive.query import Page, Query
from app.archive.scan import SECONDS
from app.archive.subjects import Listed
from app.events.subject import validate_filter
from app.ingress.access.callers import caller
from app.ingress.page import bounds
from app.ingress.problems import ProblemError, success, success_of
from app.ingress.turns import Turns

MOST_TEXT: Final = 1024  # characters of a text that is searched for, and of a type
LATEST: Final = 253_402_214_400_000  # the last day of the year 9999, in milliseconds since 1970
MOST_SEQUENCE: Final = 10**18
MOST_LENGTH: Final = 10**9
SEARCHES: Final = 2  # that look at each event, at a time
_MINUTE: Final = 60.0

_NUMBER: Final = re.compile(r"\d{1,19}", re.ASCII)


class Subjects(Protocol):
    """Raises UnavailableError."""

    async def page(self, search: str, granted: Sequence[str], start: int, size: int) -> Listed: ...


class Events(Protocol):
    """Raises UnavailableError."""

    async def page(self, query: Query, start: int, size: int) -> Page: ...


@dataclass(frozen=True, slots=True)
class QueryEndpoints:
    """`/api/v1/events` and `/api/v1/events/{filter}`."""

    known: Subjects
    stored: Events
    turns: Turns = field(default_factory=lambda: Turns(SEARCHES, int(SECONDS), "searches"))

    async def subjects(self, request: Request) -> Response:
        wanted, search = bounds(request.query_params), _text(request.query_params, "search")
        found = await self.known.page(search, caller(request).read, wanted.start, wanted.size)
        return success({**wanted.holding(found.subjects, found.total), "complete": found.complete})

    async def events(self, request: Request) -> Response:
        pattern = validate_filter(request.path_params["filter"])
        caller(request).require_read(pattern)
        wanted, query = bounds(request.query_params), read(pattern, request.query_params, time.time())
        with self.turns.one() if query.criteria else nullcontext():
            found = await self.stored.page(query, wanted.start, wanted.size)
        rest = {"complete": found.complete, "first_sequence": found.first, "last_sequence": found.last}
        page = to_json({**wanted.holding([], found.total), **rest})
        return success_of(page.replace(b'"list":[]', b'"list":[%s]' % b",".join(found.items), 1))


def read(pattern: str, given: Mapping[str, str], now: float) -> Query:
    """What the parameters ask for; `now` in Unix seconds. What is left away or empty does not matter.

    Raises:
        ProblemError: one of them is malformed, or an end lies before its start.
    """
    start, end = _time(given, "start_time"), _time(given, "end_time")
    first, last = _sequence(given, "first_sequence"), _sequence(given, "last_sequence")
    _in_order(given, "start_time", start, "end_time", end)
    _in_order(given, "first_sequence", first, "last_sequence", last)
    if start is None and first is None:
        start = max(0.0, (now if end is None else end) - _MINUTE)
    query = Query(pattern, start_time=start, end_time=end, first_sequence=first or 1, last_sequence=last)
    criteria = Criteria(_text(given, "type"), _text(given, "search"))
    return replace(query, criteria=criteria, most=_number(given, "max_length", 1, MOST_LENGTH))


def _time(given: Mapping[str, str], name: str) -> float | None:
    found = _number(given, name, 0, LATEST)
    return None if found is None else found / 1000


def _sequence(given: Mapping[str, str], name: str) -> int | None:
    return _number(given, name, 1, MOST_SEQUENCE)


def _number(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = given.get(name, "")
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        unit = " of milliseconds since 1970" if name.endswith("_time") else ""
        message = f"{name} is {text[:40]!r}: use a whole number{unit} from {least} to {most}"
        raise ProblemError(HTTPStatus.BAD_REQUEST, message)
    return int(text)


def _in_order(given: Mapping[str, str], lower: str, begin: Any, upper: str, end: Any) -> None:
    if begin is not None and end is not None and begin > end:
        message = f"{lower} is {given[lower]}, which is after {upper}, {given[upper]}: swap them"
        raise ProblemError(HTTPStatus.BAD_REQUEST, message)


def _text(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if len(text) > MOST_TEXT:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is {len(text)} characters long: use at most {MOST_TEXT}")
    return text
