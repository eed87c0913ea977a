"""What operators ask about hooks over HTTP: what a hook would match, and why one did or did not fire.

Each question may read many events, so few are answered at a time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from app.ingress import body
from app.ingress.access import reach
from app.ingress.access.callers import caller
from app.ingress.problems import ProblemError, success
from app.ingress.turns import Turns

LEAST_HOURS: Final = 0.001
MOST_HOURS: Final = 24
AT_ONCE: Final = 2
_BODY_BYTES: Final = 256 * 1024
_SECONDS: Final = 5  # half of what a question may take

_HOURS = re.compile(r"\d{1,3}(\.\d{1,20})?")
_SEQUENCE = re.compile(r"[1-9]\d{0,17}")
_MAX_ID: Final = 1024  # characters


class DryRuns(Protocol):
    """Raises the errors of `app.errors`: InvalidResourceError, UnavailableError."""

    async def run(self, namespace: str, resource: Mapping[str, Any], hours: float) -> Any: ...


class Explanations(Protocol):
    """Raises the errors of `app.errors`: NotFoundError, UnavailableError."""

    async def by_sequence(self, namespace: str, name: str, sequence: int) -> Any: ...

    async def by_id(self, namespace: str, name: str, event: str) -> Any: ...


class QuestionEndpoints:
    """`…/eventhook-dryruns` and `…/eventhooks/{name}/explain`."""

    def __init__(self, dry_runs: DryRuns, explanations: Explanations) -> None:
        self._dry_runs = dry_runs
        self._explanations = explanations
        self._turns = Turns(AT_ONCE, _SECONDS, "questions")

    async def dry_run(self, request: Request) -> Response:
        hours = _hours(request.query_params)
        resource = body.json_object(await body.read(request, _BODY_BYTES))
        reach.require(caller(request), resource)
        with self._turns.one():
            return success(await self._dry_runs.run(request.path_params["namespace"], resource, hours))

    async def explain(self, request: Request) -> Response:
        sequence, event = _which(request.query_params)
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        with self._turns.one():
            if sequence is not None:
                found = await self._explanations.by_sequence(namespace, name, sequence)
            else:
                found = await self._explanations.by_id(namespace, name, event)
        caller(request).require_read(found.event.subject)  # it may be any event, and what is told says what it was
        return success(found)


def _hours(query: Mapping[str, str]) -> float:
    text = query.get("hours", "1")
    if not _HOURS.fullmatch(text) or not LEAST_HOURS <= float(text) <= MOST_HOURS:
        message = f"hours is {text[:40]!r}: use a number from {LEAST_HOURS} to {MOST_HOURS}, such as 1 or 0.5"
        raise ProblemError(HTTPStatus.BAD_REQUEST, message)
    return float(text)


def _which(query: Mapping[str, str]) -> tuple[int | None, str]:
    """The sequence, or the id, of the event that is asked about."""
    sequence, event = query.get("sequence", ""), query.get("event", "")
    if bool(sequence) is bool(event) or len(event) > _MAX_ID:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, "give ?sequence=, the event's place in the stream, or ?event=, its id"
        )
    if sequence and not _SEQUENCE.fullmatch(sequence):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"sequence is {sequence[:40]!r}: use a whole number from 1")
    return (int(sequence), "") if sequence else (None, event)
