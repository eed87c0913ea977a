"""Replays of a hook over HTTP: begin one, see how far it is, stop it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.ingress import body
from app.ingress.page import page_of
from app.ingress.problems import success

_BODY_BYTES: Final = 16 * 1024


class Replays(Protocol):
    """Where replays are kept; gives models that become JSON.

    Raises the errors of `app.errors`: NotFoundError, ConflictError, InvalidResourceError, UnavailableError.
    """

    def list(self, namespace: str, hook: str) -> Sequence[BaseModel]: ...

    def get(self, namespace: str, hook: str, replay: str) -> BaseModel: ...

    async def create(self, namespace: str, hook: str, body: Mapping[str, Any]) -> BaseModel: ...

    async def stop(self, namespace: str, hook: str, replay: str) -> BaseModel: ...


class ReplayEndpoints:
    """`…/eventhooks/{name}/replays` and below."""

    def __init__(self, replays: Replays) -> None:
        self._replays = replays

    async def list(self, request: Request) -> Response:
        names = request.path_params
        return success(page_of(self._replays.list(names["namespace"], names["name"]), request.query_params))

    async def create(self, request: Request) -> Response:
        wanted = body.json_object(await body.read(request, _BODY_BYTES))
        names = request.path_params
        return success(await self._replays.create(names["namespace"], names["name"], wanted), HTTPStatus.CREATED)

    async def read(self, request: Request) -> Response:
        names = request.path_params
        return success(self._replays.get(names["namespace"], names["name"], names["replay"]))

    async def stop(self, request: Request) -> Response:
        names = request.path_params
        return success(await self._replays.stop(names["namespace"], names["name"], names["replay"]))
