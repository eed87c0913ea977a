"""Pausing and resuming hooks over HTTP. Both may be asked for again and again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from app.ingress import body
from app.ingress.problems import ProblemError, success

_BODY_BYTES: Final = 16 * 1024
_LONGEST: Final = 500  # characters of a reason


class Switch(Protocol):
    """What pauses hooks; answers with what becomes JSON: state, reason, by, since.

    Raises the errors of `app.errors`: NotFoundError, UnavailableError.
    """

    async def pause(self, namespace: str, name: str, reason: str) -> Any: ...

    async def resume(self, namespace: str, name: str) -> Any: ...


class PauseEndpoints:
    """`…/eventhooks/{name}/pause` and `…/resume`."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    async def pause(self, request: Request) -> Response:
        reason = _reason(await body.read(request, _BODY_BYTES))
        names = request.path_params
        return success(await self._switch.pause(names["namespace"], names["name"], reason))

    async def resume(self, request: Request) -> Response:
        names = request.path_params
        return success(await self._switch.resume(names["namespace"], names["name"]))


def _reason(posted: bytes) -> str:
    """The reason that was given; empty where none was."""
    given = body.json_object(posted) if posted.strip() else {}
    reason = given.get("reason", "")
    if given.keys() - {"reason"} or not isinstance(reason, str) or len(reason) > _LONGEST:
        message = f'send {{"reason": "why"}} with at most {_LONGEST} characters, or no body'
        raise ProblemError(HTTPStatus.BAD_REQUEST, message)
    return reason.strip()
