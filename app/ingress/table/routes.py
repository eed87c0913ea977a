"""From the table of operations to an ASGI application."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, compile_path
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

from app.ingress.access.auth import Access, Authentication
from app.ingress.access.origins import allow
from app.ingress.counting import Answered, Counting
from app.ingress.limits import Limits
from app.ingress.problems import EXPECTED, answer
from app.ingress.table.operations import Endpoint, Operation

log = logging.getLogger(__name__)


class AnyText(Convertor[str]):
    """The rest of a path, whatever is in it: Starlette's `path` stops at a newline, which we want to refuse by name."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("text", AnyText())


def http_app(
    operations: Sequence[Operation],
    documents: Iterable[BaseRoute],
    access: Access | None = None,
    origins: Sequence[str] = (),
    answered: Answered = lambda _method, _status: None,
) -> ASGIApp:
    """Everything that is served over HTTP, to whom `access` lets in (None: this machine), and to pages of `origins`.

    `answered` is told the method and the status of each answer.
    """
    handlers: dict[Any, ExceptionHandler] = dict.fromkeys((*EXPECTED, Exception), answer)
    application = Starlette(routes=[*routes(operations), *documents], exception_handlers=handlers)
    application.router.redirect_slashes = False  # a path that is not served is told so, with 404
    served: ASGIApp = application
    for operation in operations:
        if operation.express:
            served = Express(served, operation)
    return Counting(allow(Limits(Authentication(served, access or Access())), origins), answered)


class Express:
    """Serves one operation without Starlette's layers around it, which would cost more than the operation does."""

    def __init__(self, app: ASGIApp, operation: Operation) -> None:
        self._app = app
        self._method = operation.method
        self._path, _, _ = compile_path(operation.path)
        self._endpoint = operation.endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._path.match(scope["path"]) if scope["method"] == self._method else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = found.groupdict()
        request = Request(scope, receive)
        try:
            response = await self._endpoint(request)
        except EXPECTED as error:
            response = answer(request, error)
        except Exception as error:
            log.exception("a request failed by a fault of ours")
            response = answer(request, error)
        await response(scope, receive, send)


def routes(operations: Sequence[Operation]) -> list[Route]:
    """One route a path, so that a wrong method is told which ones are right. The table keeps a path's rows together."""
    return [_route(path, tuple(rows)) for path, rows in groupby(operations, key=lambda row: row.path)]


def _route(path: str, rows: Sequence[Operation]) -> Route:
    by_method = {row.method: row.endpoint for row in rows}
    endpoint = rows[0].endpoint if len(rows) == 1 else _by_method(by_method)
    return Route(path, endpoint, methods=list(by_method))


def _by_method(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return endpoint
