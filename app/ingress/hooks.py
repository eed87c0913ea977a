"""The eventhooks endpoints: create, read, list, replace, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.ingress import body
from app.ingress.access import audit, reach
from app.ingress.access.callers import caller
from app.ingress.page import page_of
from app.ingress.problems import success

_BODY_BYTES: Final = 256 * 1024

Resource = Mapping[str, Any]


class Hooks(Protocol):
    """Where hooks are kept: resources in the form of the custom resource in, models that become such JSON out.

    Raises the errors of `app.errors`: NotFoundError, ConflictError, InvalidResourceError, UnavailableError.
    """

    async def list(self, namespace: str, search: str) -> Sequence[BaseModel]: ...

    async def get(self, namespace: str, name: str) -> BaseModel: ...

    async def create(self, namespace: str, resource: Resource) -> BaseModel: ...

    async def replace(self, namespace: str, name: str, resource: Resource) -> BaseModel: ...

    async def delete(self, namespace: str, name: str) -> None: ...


class HookEndpoints:
    """`/api/v1/namespaces/{namespace}/eventhooks` and below."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    async def list(self, request: Request) -> Response:
        found = await self._hooks.list(request.path_params["namespace"], request.query_params.get("search", ""))
        return success(page_of(found, request.query_params))

    async def create(self, request: Request) -> Response:
        resource = await _resource(request)
        if isinstance(metadata := resource.get("metadata"), Mapping):
            audit.about(request, metadata.get("name", ""))
        reach.require(caller(request), resource)
        created = await self._hooks.create(request.path_params["namespace"], resource)
        return success(created, HTTPStatus.CREATED)

    async def read(self, request: Request) -> Response:
        names = request.path_params
        return success(await self._hooks.get(names["namespace"], names["name"]))

    async def replace(self, request: Request) -> Response:
        names = request.path_params
        resource = await _resource(request)
        reach.require(caller(request), resource)
        return success(await self._hooks.replace(names["namespace"], names["name"], resource))

    async def delete(self, request: Request) -> Response:
        names = request.path_params
        await self._hooks.delete(names["namespace"], names["name"])
        return success(None)


async def _resource(request: Request) -> Resource:
    return body.json_object(await body.read(request, _BODY_BYTES))
