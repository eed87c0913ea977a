"""A double of the Kubernetes API on loopback: Secrets, tokens and rights, answered as an API server 1.36 does.

Objects are kept as JSON; what a server would refuse is refused with its Status object. Over real HTTP, or TLS.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from tests.servers import free_port

ACCOUNT = "system:serviceaccount:ops-system:ops-events"

Object = dict[str, Any]
Interrupt = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


async def go_on(_: web.Request) -> None:
    """No interruption: the request is answered as the API would."""


@dataclass
class ApiServer:
    """An API server with one account. Can be closed and opened again on the same port."""

    port: int = field(default_factory=free_port)
    tls: ssl.SSLContext | None = None
    token: str = "token-1"
    readable: set[str] | None = None  # namespaces whose Secrets the account may get; None: all
    interrupt: Interrupt = go_on  # asked first; what it returns is the answer
    requests: list[str] = field(default_factory=list)  # `GET /api/…`, as they came
    agents: set[str] = field(default_factory=set)
    _secrets: dict[tuple[str, str], Object] = field(default_factory=dict)
    _version: int = 100
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def open(self) -> None:
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/api/v1/namespaces/{namespace}/secrets/{name}", self._get_secret)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def put_secret(self, namespace: str, name: str, **data: str | bytes) -> None:
        self._version += 1
        encoded = {key: base64.b64encode(_bytes(value)).decode() for key, value in data.items()}
        self._secrets[namespace, name] = {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": _metadata(namespace, name, str(self._version)),
            **({"data": encoded} if encoded else {}),  # an empty map is left out
            "type": "Opaque",
        }

    def delete_secret(self, namespace: str, name: str) -> None:
        del self._secrets[namespace, name]

    async def _get_secret(self, request: web.Request) -> web.StreamResponse:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        if self.readable is not None and namespace not in self.readable:
            return _forbidden("secrets", namespace, name)
        if (secret := self._secrets.get((namespace, name))) is None:
            return _not_found("secrets", name)
        return _answer(secret)

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        self.agents.add(request.headers.get("User-Agent", ""))
        if (answer := await self.interrupt(request)) is not None:
            return answer
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token.strip() != self.token:
            return status(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")
        try:
            return await handler(request)
        except web.HTTPNotFound:
            message = "the server could not find the requested resource"
            return status(HTTPStatus.NOT_FOUND, "NotFound", message, details={})

    def kubeconfig(self, path: Path, token: str | None = None, authority: Path | None = None) -> Path:
        """Write a configuration as kubectl keeps it."""
        cluster = {"server": self.url, **({"certificate-authority": str(authority)} if authority else {})}
        path.write_text(
            json.dumps(  # which is YAML too
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "ops"}}],
                    "clusters": [{"name": "test", "cluster": cluster}],
                    "users": [{"name": "ops", "user": {"token": token or self.token}}],
                }
            )
        )
        return path


@asynccontextmanager
async def running_api(tls: ssl.SSLContext | None = None) -> AsyncIterator[ApiServer]:
    server = ApiServer(tls=tls)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


@dataclass
class Gate:
    """An interruption that holds requests back until it is opened."""

    held: asyncio.Event = field(default_factory=asyncio.Event)  # set when a request is waiting
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _: web.Request) -> None:
        self.held.set()
        await self.opened.wait()


def answering(code: int, body: str = "", content_type: str = "text/plain") -> Interrupt:
    """An interruption that answers everything alike, as a proxy or an ailing server does."""

    async def interrupt(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, content_type=content_type)

    return interrupt


def status(code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> web.Response:
    """A Status object, the API's form of every error."""
    document: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    document |= {"reason": reason} | ({} if details is None else {"details": dict(details)}) | {"code": int(code)}
    return _answer(document, code)


def _not_found(resource: str, name: str) -> web.Response:
    message = f'{resource} "{name}" not found'
    return status(HTTPStatus.NOT_FOUND, "NotFound", message, {"name": name, "kind": resource})


def _forbidden(resource: str, namespace: str, name: str) -> web.Response:
    message = (
        f'{resource} "{name}" is forbidden: User "{ACCOUNT}" cannot get resource "{resource}" in API group "" in the'
        f' namespace "{namespace}"'
    )
    return status(HTTPStatus.FORBIDDEN, "Forbidden", message, {"name": name, "kind": resource})


def _answer(document: Object, code: int = HTTPStatus.OK) -> web.Response:
    headers = {"Audit-Id": str(uuid4()), "Cache-Control": "no-cache, private", "Content-Type": "application/json"}
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    return web.Response(status=code, headers=headers, body=body)


def _metadata(namespace: str, name: str, version: str) -> Object:
    time = "2026-11-23T05:10:16Z"
    managed: Object = {"manager": "kubectl-create", "operation": "Update", "apiVersion": "v1", "time": time}
    managed |= {"fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}}, "f:type": {}}}
    return {
        "name": name,
        "namespace": namespace,
        "uid": str(uuid4()),
        "resourceVersion": version,
        "creationTimestamp": time,
        "managedFields": [managed],
    }


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
