"""Who is served: the bearer of the token; without a token, programs on this machine."""

from __future__ import annotations

import hmac
import ipaddress
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from app.ingress.access import EVERYTHING, admit
from app.ingress.problems import ProblemError, failure

_GUARDED: Final = "/api"


class Authentication:
    """ASGI middleware that guards everything under `/api`."""

    def __init__(self, app: ASGIApp, token: SecretStr | None) -> None:
        self._app = app
        self._expected = token.get_secret_value().encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_guarded(scope["path"]):
            try:
                self._check(scope)
                admit(scope, EVERYTHING)
            except ProblemError as problem:
                await failure(problem.status, str(problem), problem.headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if self._expected is None:
            _check_local(scope)
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, credentials = given.partition(b" ")
        if not (hmac.compare_digest(credentials.strip(), self._expected) and scheme.lower() == b"bearer"):
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "send the header Authorization: Bearer TOKEN with the value of SERVER_TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )


def _is_guarded(path: str) -> bool:
    return path == _GUARDED or path.startswith(f"{_GUARDED}/")


def _check_local(scope: Scope) -> None:
    """Without a token: the client is on this machine, and is not a web page that a browser there has open."""
    client = scope.get("client")
    if client is not None and not _is_loopback(client[0]):
        raise ProblemError(HTTPStatus.FORBIDDEN, "only clients on loopback are served: set SERVER_TOKEN for others")
    addressed = {name: value for name, value in scope["headers"] if name in {b"host", b"origin"}}
    host, origin = addressed.get(b"host", b"localhost"), addressed.get(b"origin", b"//localhost")
    if not (_names_loopback(b"//" + host) and _names_loopback(origin)):
        raise ProblemError(HTTPStatus.FORBIDDEN, "without SERVER_TOKEN only http://localhost and 127.0.0.1 are served")


@lru_cache(maxsize=256)
def _names_loopback(url: bytes) -> bool:
    try:
        return _is_loopback(urlsplit(url.decode("latin-1")).hostname)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
