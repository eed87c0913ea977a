"""From the table of operations to an ASGI application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.ingress.auth import Authentication
from app.ingress.operations import Endpoint, Operation
from app.ingress.problems import exception_handlers


class AnyText(Convertor[str]):
    """The rest of a path, whatever is in it: Starlette's `path` stops at a newline, which we want to refuse by name."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("text", AnyText())


def http_app(operations: Sequence[Operation], documents: Iterable[BaseRoute], token: SecretStr | None) -> Starlette:
    """Everything that is served over HTTP, guarded by the token."""
    return Starlette(
        routes=[*routes(operations), *documents],
        middleware=[Middleware(Authentication, token=token)],
        exception_handlers=exception_handlers(),
    )


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
