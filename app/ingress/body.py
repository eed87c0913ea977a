"""Reading a request within bounds."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from app.events import jsontext
from app.ingress.haste import Haste
from app.ingress.problems import ProblemError

MIB: Final = 1024 * 1024

# Bytes read and dropped of a body that is too large: a client that is cut off while it sends does not see the answer.
_PASSED_OVER: Final = 8 * MIB

_haste = Haste(10.0)  # seconds that a client may take to send a body
_CLOSE: Final = {"Connection": "close"}  # what was not read would be taken for the next request


def header(request: Request, name: bytes) -> bytes | None:
    """A header by its name in lower case, without making a mapping of all of them."""
    return next((value for key, value in request.scope["headers"] if key == name), None)


async def read(request: Request, limit: int = MIB) -> bytes:
    """The body, at most `limit` bytes, all of which must be there within 10 seconds.

    Raises:
        ProblemError: it is larger, late, or compressed.
    """
    if header(request, b"content-encoding") not in {None, b"identity"}:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is compressed: send it as it is")
    try:
        return await _haste.bound(_bounded(request, limit))
    except TimeoutError:
        message = f"the body was not there within {_haste.seconds:g} s: send it faster, or less of it"
        raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, message, _CLOSE) from None


async def _bounded(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= limit + _PASSED_OVER:
        chunk, more = await _receive(request)
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    if size > limit:
        message = f"the body is larger than {limit} bytes: send less, or a reference to it"
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, _CLOSE if more else None)
    return b"".join(chunks)


async def _receive(request: Request) -> tuple[bytes, bool]:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        ProblemError: it is not JSON, or not an object.
        TooDeepError: it is nested too deep.
    """
    jsontext.require_shallow(body)
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            f'the body is a JSON {_kind(value)}: send an object, such as {{"message": "hello"}}',
        )
    return value


def _kind(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")
