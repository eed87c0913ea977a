"""A hook's dead letters over HTTP: look at them, put them back among the parked events, forget them.

Those of a deleted hook can be looked at and forgotten; they can be redriven once there is a hook of that name again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

from app.delivery.letters import MOST, Letter, Letters
from app.errors import NotFoundError
from app.ingress import body
from app.ingress.page import bounds
from app.ingress.problems import ProblemError, success, success_of
from app.ingress.target import Paths, rfc3339

_ID: Final = re.compile(r"[1-9]\d{0,17}")
_BODY_BYTES: Final = 256 * 1024


class LetterEndpoints:
    """`…/eventhooks/{name}/deadletters` and below."""

    def __init__(self, letters: Letters, paths: Paths) -> None:
        self._letters = letters
        self._paths = paths

    async def list(self, request: Request) -> Response:
        page = bounds(request.query_params)
        letters, total = await self._letters.page(self._paths.key(request), page.start, page.size)
        if not total:
            self._paths.check(request)
        return success(page.holding([_told(letter) for letter in letters], total))

    async def read(self, request: Request) -> Response:
        found = await self._letters.read(self._paths.key(request), _letter(request))
        rest = to_json({**_told(found.letter), "headers": found.headers})
        # The event goes on to the byte: numbers would not survive being read and written.
        return success_of(b'%s,"payload":%s}' % (rest[:-1], _as_json(found.payload)))

    async def redrive_one(self, request: Request) -> Response:
        self._paths.check(request)
        return success(await self._letters.redrive_one(self._paths.key(request), _letter(request)))

    async def redrive(self, request: Request) -> Response:
        chosen = _chosen(body.json_object(await body.read(request, _BODY_BYTES)))
        self._paths.check(request)
        return success(await self._letters.redrive(self._paths.key(request), chosen))

    async def forget(self, request: Request) -> Response:
        await self._letters.forget(self._paths.key(request), _letter(request))
        return success(None)


def _letter(request: Request) -> int:
    text = request.path_params["letter"]
    if not _ID.fullmatch(text):
        raise NotFoundError("there is no such dead letter: ids are whole numbers, and stand in the list of letters")
    return int(text)


def _chosen(posted: Mapping[str, Any]) -> Sequence[int]:
    """The letters that are named; none where all are meant."""
    if not posted:
        return ()
    ids = posted.get("ids")
    # Whoever mistypes the name must not redrive everything.
    if set(posted) != {"ids"} or not isinstance(ids, list) or not 0 < len(ids) <= MOST or not all(map(_is_id, ids)):
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            f'send {{"ids": [42, 43]}} with 1 to {MOST} ids, or {{}} for all letters of the hook',
        )
    return tuple(dict.fromkeys(map(int, ids)))


def _is_id(value: object) -> bool:
    """Whether it is an id; in JSON, 42.0 is a whole number as well."""
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return whole and _ID.fullmatch(str(int(value))) is not None  # type: ignore[call-overload]


def _told(letter: Letter) -> dict[str, Any]:
    return {**asdict(letter), "at": rfc3339(letter.at)}


def _as_json(payload: bytes) -> bytes:
    """The payload as it is where it is JSON, else its text as a JSON string."""
    try:
        from_json(payload, allow_inf_nan=False)
    except ValueError:
        return to_json(payload.decode("utf-8", "replace"))
    return payload
