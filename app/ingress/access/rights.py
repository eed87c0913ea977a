"""Operations that a token must have a right for, beyond being known. Rows go in, and come out guarded and audited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.ingress.access import audit
from app.ingress.access.callers import caller
from app.ingress.problems import answer
from app.ingress.table.operations import Endpoint, Operation

_CHANGES_NOTHING: Final = {
    "dryRunHook",
    "checkNotification",
    "previewSilence",
    "previewTemplate",
}  # of what is not a GET


def managing_hooks(rows: Iterable[Operation]) -> tuple[Operation, ...]:
    """The same rows, for callers who may manage the hooks of the namespace in the path; changes stand in the audit."""
    return tuple(replace(row, endpoint=_audited(row.name, _guarded(row.endpoint), row.method)) for row in rows)


def managing_notifications(rows: Iterable[Operation]) -> tuple[Operation, ...]:
    """The same, for callers who may say who is told of what."""
    return tuple(replace(row, endpoint=_audited(row.name, _of_all(row.endpoint), row.method)) for row in rows)


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        caller(request).require_hooks(request.path_params["namespace"])
        return await endpoint(request)

    return guarded


def _of_all(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        caller(request).require_notifications()
        return await endpoint(request)

    return guarded


def _audited(name: str, endpoint: Endpoint, method: str) -> Endpoint:
    if method == "GET" or name in _CHANGES_NOTHING:
        return endpoint

    async def audited(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except Exception as error:
            audit.changed(request, name, answer(request, error).status_code)
            raise
        audit.changed(request, name, response.status_code)
        return response

    return audited
