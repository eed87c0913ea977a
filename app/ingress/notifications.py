"""The endpoints of notifications: receivers and routes, trying them, silences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from app.errors import NotFoundError
from app.ingress import body
from app.ingress.access import audit
from app.ingress.page import page_of
from app.ingress.problems import ProblemError, success
from app.ingress.turns import Turns

AT_ONCE: Final = 2  # previews of a kind: of silences, which may read many events, and of templates
_SECONDS: Final = 5
_CONFIGURATION_BYTES: Final = 512 * 1024
_BODY_BYTES: Final = 768 * 1024  # a configuration may stand in it as a text
_SILENCE_BYTES: Final = 64 * 1024

_REVISION: Final = re.compile(r'"?(\d{1,18})"?')
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Administration(Protocol):
    """What is kept, and what can be asked of it; answers with what becomes JSON.

    Raises the errors of `app.errors`: InvalidResourceError, NotFoundError, ConflictError, UnavailableError.
    """

    def read(self) -> Any: ...

    async def replace(self, text: bytes, revision: int | None) -> Any: ...

    async def check(self, given: Mapping[str, Any]) -> Any: ...

    async def preview(self, given: Mapping[str, Any]) -> Any: ...

    def receivers(self) -> Sequence[Any]: ...

    def silences(self) -> Sequence[Any]: ...

    def silence(self, identity: str) -> Any: ...

    async def create_silence(self, given: Mapping[str, Any]) -> Any: ...

    async def replace_silence(self, identity: str, given: Mapping[str, Any]) -> Any: ...

    async def delete_silence(self, identity: str) -> None: ...

    async def preview_silence(self, given: Mapping[str, Any]) -> Any: ...


class RouteEndpoints:
    """`/api/v1/notifications/configuration`, `…/check` and `…/receivers`."""

    def __init__(self, administration: Administration) -> None:
        self._administration = administration
        self._turns = Turns(AT_ONCE, _SECONDS, "previews")

    async def read(self, _: Request) -> Response:
        return success(self._administration.read())

    async def replace(self, request: Request) -> Response:
        text = await body.read(request, _CONFIGURATION_BYTES)
        return success(await self._administration.replace(text, _revision(request)))

    async def check(self, request: Request) -> Response:
        given = body.json_object(await body.read(request, _BODY_BYTES))
        if unknown := given.keys() - {"configuration", "notification"}:
            message = f"{min(unknown)[:40]!r} is no field here: send configuration, notification, or both"
            raise ProblemError(HTTPStatus.BAD_REQUEST, message)
        return success(await self._administration.check(given))

    async def preview(self, request: Request) -> Response:
        given = body.json_object(await body.read(request, _BODY_BYTES))
        with self._turns.one():
            return success(await self._administration.preview(given))

    async def receivers(self, request: Request) -> Response:
        return success(page_of(self._administration.receivers(), request.query_params))


class SilenceEndpoints:
    """`/api/v1/notifications/silences` and below, and `…/silence-previews`."""

    def __init__(self, administration: Administration) -> None:
        self._administration = administration
        self._turns = Turns(AT_ONCE, _SECONDS, "previews")

    async def list(self, request: Request) -> Response:
        return success(page_of(self._administration.silences(), request.query_params))

    async def create(self, request: Request) -> Response:
        created = await self._administration.create_silence(await _silence(request))
        audit.about(request, created["id"])
        return success(created, HTTPStatus.CREATED)

    async def read(self, request: Request) -> Response:
        return success(self._administration.silence(_identity(request)))

    async def replace(self, request: Request) -> Response:
        identity = _identity(request)
        return success(await self._administration.replace_silence(identity, await _silence(request)))

    async def delete(self, request: Request) -> Response:
        await self._administration.delete_silence(_identity(request))
        return success(None)

    async def preview(self, request: Request) -> Response:
        given = await _silence(request)
        with self._turns.one():
            return success(await self._administration.preview_silence(given))


async def _silence(request: Request) -> Mapping[str, Any]:
    return body.json_object(await body.read(request, _SILENCE_BYTES))


def _identity(request: Request) -> str:
    identity: str = request.path_params["silence"]
    if not _ID.fullmatch(identity):
        raise NotFoundError("there is no such silence: ids stand in the list of silences")
    return identity


def _revision(request: Request) -> int | None:
    """The revision that a configuration is to replace; None: whichever there is."""
    given = request.headers.get("If-Match", "").strip()
    if not given or given == "*":
        return None
    found = _REVISION.fullmatch(given)
    if found is None:
        message = f'If-Match is {given[:40]!r}: send the revision that you have read, such as "7"'
        raise ProblemError(HTTPStatus.BAD_REQUEST, message)
    return int(found[1])
