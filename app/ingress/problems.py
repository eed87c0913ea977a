"""Answers: the one form of success, and for each error its status and what to tell the client."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from app import errors
from app.events.subject import InvalidSubjectError


class ProblemError(Exception):
    """A request that cannot be served: a status and what to do about it."""

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


# Which status each error of the rooms below is told with.
_STATUSES: Final[Mapping[type[Exception], HTTPStatus]] = {
    InvalidSubjectError: HTTPStatus.BAD_REQUEST,
    ClientDisconnect: HTTPStatus.BAD_REQUEST,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.InvalidResourceError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def success(data: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(b'{"code":0,"message":"success","data":%s}' % to_json(data), status, media_type="application/json")


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json({"code": -1, "message": message}), status, headers, media_type="application/json")


def exception_handlers() -> dict[Any, ExceptionHandler]:
    """For Starlette: how each error becomes an answer."""
    known = {kind: _handler(status) for kind, status in _STATUSES.items()}
    return {**known, ProblemError: _problem, HTTPException: _http_exception, Exception: _fault}


def _handler(status: HTTPStatus) -> ExceptionHandler:
    def handle(_: Request, error: Exception) -> Response:
        after = getattr(error, "retry_after_seconds", None)
        return failure(status, str(error), {"Retry-After": str(after)} if after else None)

    return handle


def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 -- Starlette calls it for this class only
    return failure(error.status, str(error), error.headers)


def _http_exception(request: Request, error: Exception) -> Response:
    """What Starlette itself raises: no such path, or not this method."""
    assert isinstance(error, HTTPException)  # noqa: S101 -- Starlette calls it for this class only
    message = f"{request.method} {request.url.path}: {error.detail}; what is served stands at /docs"
    return failure(error.status_code, message, error.headers)


def _fault(_: Request, __: Exception) -> Response:
    return failure(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of ours: it stands in the log")
