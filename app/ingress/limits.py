"""How large a request may be before its body, and how many are served at once. ASGI middleware, outside of everything.

What a client sends before its headers end is bounded by `app/http.py`, which sees the bytes.
"""

from __future__ import annotations

from http import HTTPStatus
from itertools import chain
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.ingress.access.auth import is_guarded
from app.ingress.problems import ProblemError, failure

MAX_TARGET: Final = 8 * 1024  # bytes of path and query; a subject of 1,024 bytes is 3,072 when encoded
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024  # of names and values
AT_ONCE: Final = 1024  # requests under /api
_RETRY_AFTER: Final = {"Retry-After": "1"}
_TAIL: Final = "/tail"  # live tails stay open, and have a bound of their own


class Limits:
    """Answers 414, 431 and 503 where a request is beyond the limits."""

    def __init__(self, app: ASGIApp, at_once: int = AT_ONCE) -> None:
        self._app = app
        self._at_once = at_once
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (problem := self._problem(scope)) is not None:
            await failure(problem.status, str(problem), problem.headers)(scope, receive, send)
            return
        counts = _counts(scope)
        self._in_flight += counts
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_flight -= counts

    def _problem(self, scope: Scope) -> ProblemError | None:
        headers = scope["headers"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
            message = f"the path and the query are longer than {MAX_TARGET} bytes: shorten them"
            return ProblemError(HTTPStatus.REQUEST_URI_TOO_LONG, message)
        if len(headers) > MAX_HEADERS or sum(map(len, chain.from_iterable(headers))) > MAX_HEADER_BYTES:
            message = f"the headers are more than {MAX_HEADERS}, or {MAX_HEADER_BYTES} bytes: send fewer"
            return ProblemError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, message)
        if self._in_flight >= self._at_once and _counts(scope):
            message = f"{self._at_once} requests are being served: try again"
            return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, message, _RETRY_AFTER)
        return None


def _counts(scope: Scope) -> int:
    """1 for a request that counts as in flight: health and documents are told however much there is to do."""
    path = scope["path"]
    return int(is_guarded(path) and not (path.endswith(_TAIL) and scope["method"] == "GET"))
