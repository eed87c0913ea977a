"""The ledger of a hook's attempts over HTTP. What a deleted hook did stays readable as long as the ledger keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.delivery.ledger.history import History, Line, Wanted
from app.delivery.outcome import NAMES
from app.errors import NotFoundError
from app.ingress.page import bounds
from app.ingress.problems import ProblemError, success
from app.ingress.target import Paths, rfc3339

_ID: Final = re.compile(r"([1-9]\d{0,17})-(\d{1,9})")


class AttemptEndpoints:
    """`…/eventhooks/{name}/attempts` and below."""

    def __init__(self, history: History, paths: Paths) -> None:
        self._history = history
        self._paths = paths

    async def list(self, request: Request) -> Response:
        wanted, page = _wanted(request.query_params), bounds(request.query_params)
        found = await self._history.page(self._paths.key(request), wanted, page.start, page.size)
        if not found.kept:
            self._paths.check(request)
        items = [_told(line) for line in found.lines]
        return success({**page.holding(items, found.total), "left_out": found.left_out})

    async def read(self, request: Request) -> Response:
        place = _ID.fullmatch(request.path_params["attempt"])
        if place is None:
            raise NotFoundError("there is no such attempt: ids stand in the list of attempts, such as 4711-0")
        return success(_told(await self._history.one(self._paths.key(request), int(place[1]), int(place[2]))))


def _wanted(query: Mapping[str, str]) -> Wanted:
    outcome = query.get("outcome", "")
    if outcome and outcome not in NAMES.values():
        known = ", ".join(NAMES.values())
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"outcome is {outcome[:40]!r}: use one of {known}")
    return Wanted(outcome, query.get("event", ""), query.get("delivery", ""))


def _told(line: Line) -> dict[str, Any]:
    return {**line, "at": rfc3339(line["at"])}
