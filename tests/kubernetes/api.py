"""What answers requests: who asks, whether he may, what it is, and then the room that does it.

`server.py` puts it behind a port and gives tests their hold on it.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal

from aiohttp import web

from tests.kubernetes import statuses
from tests.kubernetes.calls import Call, read
from tests.kubernetes.definitions import Definition
from tests.kubernetes.discovery import discover
from tests.kubernetes.faults import Fault, Interrupt, go_on, take
from tests.kubernetes.kinds import KINDS, SECRETS, Kind
from tests.kubernetes.listing import answer_list
from tests.kubernetes.statuses import RefusedError, respond
from tests.kubernetes.store import Store
from tests.kubernetes.watching import ExpiredAs, Watches
from tests.kubernetes.writing import Admit, Validate, Writing

_HEALTH: Final = {"/healthz", "/livez", "/readyz"}
_LONG: Final = 128 * 1024  # bytes


@dataclass
class Api:
    """The API of one account."""

    token: str = "token-1"
    readable: set[str] | None = None  # namespaces whose Secrets the account may get; None: all
    interrupt: Interrupt = go_on  # asked first; what it returns is the answer
    requests: list[str] = field(default_factory=list)  # `GET /api/…`, as they came
    calls: list[Call] = field(default_factory=list)  # the same, as the API reads them, with their time
    agents: set[str] = field(default_factory=set)
    admit: Admit | None = None  # what is kept of an object that is written: without unknown fields, with defaults
    validate: Validate | None = None  # what is wrong with it then: fields, each with the server's words
    expired_as: ExpiredAs = "event"  # how a watch of a forgotten version is refused
    missing_as: Literal["text", "status"] = "text"  # how a resource that is not installed is refused

    def __post_init__(self) -> None:
        self._store = Store()
        self._watches = Watches(self._store)
        self._kinds = list(KINDS)
        self._definitions: dict[Kind, Definition] = {}
        self._writing = Writing(self._store, self)
        self._forbidden: set[tuple[str, Kind, str]] = set()
        self._faults: list[Fault] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        call = read(request)
        self.requests.append(f"{request.method} {request.path_qs}")
        self.calls.append(call)
        self.agents.add(request.headers.get("User-Agent", ""))
        for interrupt in (self.interrupt, take(self._faults, call)):
            if (answer := await interrupt(request)) is not None:
                return answer
        try:
            return await self._serve(request, call)
        except RefusedError as refused:
            return statuses.answer(refused.document)

    async def _serve(self, request: web.Request, call: Call) -> web.StreamResponse:
        self._authenticate(request)
        if call.path in _HEALTH:
            return web.Response(text="ok")
        if (document := discover(call.path.rstrip("/"), self._kinds, self._definitions)) is not None:
            return statuses.answer(document)
        kind = next((kind for kind in self._kinds if call.of(kind)), None)
        if kind is None:
            return self._missing(call)
        self._authorize(kind, call)
        return await self._handle(kind, request, call)

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token.strip() != self.token:
            raise RefusedError(statuses.unauthorized())

    def _authorize(self, kind: Kind, call: Call) -> None:
        hidden = kind == SECRETS and self.readable is not None and call.namespace not in self.readable
        if hidden or (call.verb, kind, call.subresource) in self._forbidden:
            raise RefusedError(statuses.forbidden(kind, call))

    def _missing(self, call: Call) -> web.Response:
        if call.resource[0] and self.missing_as == "text":
            return web.Response(status=HTTPStatus.NOT_FOUND, text="404 page not found\n")
        raise RefusedError(statuses.no_such_path())

    async def _handle(self, kind: Kind, request: web.Request, call: Call) -> web.StreamResponse:
        if call.subresource and not (kind.custom and call.subresource == "status"):
            raise RefusedError(statuses.no_such_path())
        if call.verb not in _verbs(call):
            raise RefusedError(statuses.wrong_method())
        if call.verb == "list":
            return _zipped(request, answer_list(self._store, kind, call, self._definitions.get(kind)))
        if call.verb == "watch":
            return await self._watches.answer(kind, request, call, self.expired_as)
        if call.verb == "get":
            return respond(self._writing.current(kind, call).text(kind) + b"\n")
        return await self._writing.answer(kind, request, call)


def _zipped(request: web.Request, body: bytes) -> web.Response:
    """A list, compressed as a server does with long ones."""
    if len(body) < _LONG or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return respond(body)
    response = respond(gzip.compress(body, compresslevel=1))
    response.headers["Content-Encoding"] = "gzip"
    return response


def _verbs(call: Call) -> Sequence[str]:
    """What can be done to that which the path names."""
    if call.subresource:
        return ("get", "update", "patch")
    if call.name:
        return ("get", "update", "patch", "delete") if call.namespace else ()
    return ("list", "watch", "create") if call.namespace else ("list", "watch")
