"""Who is served: the bearers of tokens; where there are none, programs on this machine."""

from __future__ import annotations

import datetime as dt
import hmac
import ipaddress
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from app.ingress.access import tokens
from app.ingress.access.audit import address
from app.ingress.access.callers import LOCAL, Caller, admit
from app.ingress.access.guesses import Guesses
from app.ingress.access.token_file import TokenFile
from app.ingress.problems import ProblemError, failure

_GUARDED: Final = "/api"
_BEARER: Final = {"WWW-Authenticate": "Bearer"}
REASONS: Final = ("no_token", "wrong_token", "expired", "too_many", "not_local")  # why somebody is not let in


class Access:
    """Who is let in, by whatever is set: the simple token, the file, both, or none of them."""

    def __init__(
        self,
        token: SecretStr | None = None,
        file: TokenFile | None = None,
        refused: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`refused` is told one of `REASONS` for each request that is not let in; `clock` gives seconds."""
        self._simple = tokens.simple(token.get_secret_value()) if token else {}
        self._file = file
        self._refused = refused
        self._guesses = Guesses(clock)
        self._where = "of the access file" if file else "of SERVER_TOKEN"
        if file and token:
            self._where = "of SERVER_TOKEN or of the access file"

    def caller(self, scope: Scope) -> Caller:
        """Who asks.

        Raises:
            ProblemError: 401, 403 or 429: nobody who is let in.
        """
        if not self._simple and self._file is None:
            try:
                return _local(scope)
            except ProblemError:
                self._refused("not_local")
                raise
        given = _credentials(scope)
        if not given:
            message = f"send the header Authorization: Bearer TOKEN with a token {self._where}"
            raise self._unauthorized("no_token", message)
        return self._bearer(given, address(scope))

    def standing(self, scope: Scope) -> Callable[[], Caller | None]:
        """Tells, whenever it is asked, who the one is that was let in with a request: None once the token is void."""
        if not self._simple and self._file is None:
            return lambda: LOCAL
        digest = tokens.digest(_credentials(scope))

        def now() -> Caller | None:
            token = self._find(digest)
            return None if token is None or _has_expired(token) else token.caller

        return now

    def _bearer(self, given: bytes, client: str) -> Caller:
        token, wait = self._find(tokens.digest(given)), self._guesses.wait(client)
        # Whoever may have guessed a token is not told so. One of 256 bits was not guessed: a script that goes
        # wrong must not lock out the others behind the same address.
        if wait and (token is None or token.guessable):
            self._refused("too_many")
            message = f"too many wrong tokens came from this address: try again in {wait} s"
            raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, message, {"Retry-After": str(wait)})
        if token is None:
            self._guesses.take(client)
            raise self._unauthorized("wrong_token", f"the token is not known: send one {self._where}")
        if token.expires is not None and _has_expired(token):
            message = f"the token {token.caller.name} expired at {token.expires.isoformat()}: ask for a new one"
            raise self._unauthorized("expired", message)
        return token.caller

    def _find(self, digest: bytes) -> tokens.Token | None:
        """The token with a digest.

        A look-up takes longer for some digests than for others, but nobody can choose a token by its digest: time
        tells nothing of the tokens that are known. The simple token's digest is compared in constant time as well.
        """
        for known, token in self._simple.items():
            if hmac.compare_digest(known, digest):
                return token
        return self._file.find(digest) if self._file else None

    def _unauthorized(self, reason: str, message: str) -> ProblemError:
        self._refused(reason)
        return ProblemError(HTTPStatus.UNAUTHORIZED, message, _BEARER)


class Authentication:
    """ASGI middleware that guards everything under `/api`."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_guarded(scope["path"]):
            try:
                admit(scope, self._access.caller(scope), self._access.standing)
            except ProblemError as problem:
                await failure(problem.status, str(problem), problem.headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _has_expired(token: tokens.Token) -> bool:
    return token.expires is not None and token.has_expired(dt.datetime.now(dt.UTC))


def is_guarded(path: str) -> bool:
    return path == _GUARDED or path.startswith(f"{_GUARDED}/")


def _credentials(scope: Scope) -> bytes:
    """The bearer token of a request; empty where it has none."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, credentials = given.partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else b""


def _local(scope: Scope) -> Caller:
    """Without a token: the client is on this machine, and is not a web page that a browser there has open."""
    client = scope.get("client")
    if client is not None and not _is_loopback(client[0]):
        raise ProblemError(HTTPStatus.FORBIDDEN, "only clients on loopback are served: set SERVER_TOKEN for others")
    addressed = {name: value for name, value in scope["headers"] if name in {b"host", b"origin"}}
    host, origin = addressed.get(b"host", b"localhost"), addressed.get(b"origin", b"//localhost")
    if not (_names_loopback(b"//" + host) and _names_loopback(origin)):
        raise ProblemError(HTTPStatus.FORBIDDEN, "without SERVER_TOKEN only http://localhost and 127.0.0.1 are served")
    return LOCAL


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
