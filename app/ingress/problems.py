"""Answers: the one form of success, and for each error its status and what to tell the client."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app import errors
from app.events.cloudevent import NotACloudEventError
from app.events.jsontext import TooDeepError
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
    NotACloudEventError: HTTPStatus.BAD_REQUEST,
    TooDeepError: HTTPStatus.BAD_REQUEST,
    ClientDisconnect: HTTPStatus.BAD_REQUEST,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.InvalidResourceError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


EXPECTED: Final[tuple[type[Exception], ...]] = (ProblemError, HTTPException, *_STATUSES)


class Json(Response):
    """JSON that is bytes already, without the general work that Starlette's class does for headers."""

    def __init__(self, body: bytes, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> None:
        self.body = body
        self.status_code = status
        self.background = None
        self.raw_headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        for name, value in (headers or {}).items():
            self.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))


def success(data: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return success_of(to_json(data), status)


def success_of(data: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The same for data that is JSON already."""
    return Json(b'{"code":0,"message":"success","data":%s}' % data, status)


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Json(to_json({"code": -1, "message": message}), status, headers)


def answer(request: Request, error: Exception) -> Response:
    """What a client is told of an error."""
    if isinstance(error, ProblemError):
        return failure(error.status, str(error), error.headers)
    if isinstance(error, HTTPException):  # Starlette's own: no such path, or not this method
        message = f"{request.method} {request.url.path}: {error.detail}; what is served stands at /docs"
        return failure(error.status_code, message, error.headers)
    if (status := _STATUSES.get(type(error))) is not None:
        return failure(status, str(error), _retry_after(error))
    return failure(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of ours: it stands in the log")


def _retry_after(error: Exception) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, errors.UnavailableError) else {}
