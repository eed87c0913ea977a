"""Reading a request's body within bounds."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from pydantic_core import from_json
from starlette.requests import Request

from app.ingress.problems import ProblemError

MIB: Final = 1024 * 1024


async def read(request: Request, limit: int = MIB) -> bytes:
    """The body, at most `limit` bytes.

    Raises:
        ProblemError: it is larger, or compressed.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is compressed: send it without Content-Encoding"
        )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        ProblemError: it is not JSON, or not an object.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST, f'the body is a JSON {_kind(value)}: send an object, such as {{"message": "hello"}}'
        )
    return value


def _kind(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


def _too_large(limit: int) -> ProblemError:
    message = f"the body is larger than {limit} bytes: send less, or a reference to it"
    # What was not read would be taken for the next request.
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, {"Connection": "close"})
