"""The server that tests hold in hand: a port, TLS where it is wanted, and all that a test does to the API behind it.

Over plain HTTP kubectl sends no token, so that it needs TLS.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from tests.kubernetes import statuses
from tests.kubernetes.api import Api
from tests.kubernetes.definitions import Definition, definition
from tests.kubernetes.faults import Aim, Fault, Interrupt
from tests.kubernetes.kinds import JSON, SECRETS, Kind, Object
from tests.kubernetes.objects import shown
from tests.kubernetes.watching import error_line
from tests.servers import free_port


@dataclass
class ApiServer(Api):
    """An API server with one account. Can be closed and opened again on the same port: what it holds stays."""

    port: int = field(default_factory=free_port)
    tls: ssl.SSLContext | None = None
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def version(self) -> int:
        """The resource version of the present."""
        return self._store.version

    async def open(self) -> None:
        application = web.Application(client_max_size=3 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self.answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls).start()

    async def close(self) -> None:
        if self._runner is not None:
            self._watches.end("cut")
            await self._runner.cleanup()
            self._runner = None

    def install(self, *kinds: Kind) -> None:
        self._kinds += [kind for kind in kinds if kind not in self._kinds]

    def uninstall(self, kind: Kind) -> None:
        """Serve it no more, and end its watches. With the definition of custom resources, these are deleted."""
        self._kinds.remove(kind)
        for revision in self._store.all(kind) if kind.custom else ():
            self._store.remove(kind, revision)
        self.drop_watches(kind)

    def define(self, document: JSON) -> Definition:
        """Install a CustomResourceDefinition: its short names, and its columns where kubectl asks for a table."""
        defined = definition(document)
        self._definitions[defined.kind] = defined
        self.install(defined.kind)
        return defined

    def create(self, kind: Kind, given: JSON) -> Object:
        """Put an object there, status and all, as if somebody else had. A uid, a time or managers that it has stay."""
        return shown(kind, self._store.put(kind, given).stored)

    def update(self, kind: Kind, given: JSON) -> Object:
        """Replace the whole object. Where nothing is different, nothing happens, as in a real server."""
        self.get(kind, given["metadata"]["namespace"], given["metadata"]["name"])
        return shown(kind, self._store.put(kind, given).stored)

    def set_status(self, kind: Kind, namespace: str, name: str, status: JSON) -> Object:
        return self.update(kind, self.get(kind, namespace, name) | {"status": status})

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        if (revision := self._store.find(kind, namespace, name)) is None:
            raise KeyError(f"{kind.plural} {namespace}/{name}")
        self._store.remove(kind, revision)

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        if (revision := self._store.find(kind, namespace, name)) is None:
            raise KeyError(f"{kind.plural} {namespace}/{name}")
        return shown(kind, revision.stored)

    def objects(self, kind: Kind) -> list[Object]:
        return [shown(kind, revision.stored) for revision in self._store.all(kind)]

    def put_secret(self, namespace: str, name: str, **data: str | bytes) -> None:
        encoded = {key: base64.b64encode(_bytes(value)).decode() for key, value in data.items()}
        secret = {"metadata": {"namespace": namespace, "name": name}, **({"data": encoded} if encoded else {})}
        self.create(SECRETS, secret | {"type": "Opaque"})  # an empty map is left out

    def delete_secret(self, namespace: str, name: str) -> None:
        self.delete(SECRETS, namespace, name)

    def forget_history(self) -> None:
        """Compact: versions before the present one are expired."""
        self._store.forget()

    def advance(self) -> None:
        """Move the resource version on, as a change of something that nobody here watches does."""
        self._store.advance()

    def forbid(self, verb: str, kind: Kind, subresource: str = "") -> None:
        self._forbidden.add((verb, kind, subresource))

    def allow(self, verb: str, kind: Kind, subresource: str = "") -> None:
        self._forbidden.discard((verb, kind, subresource))

    def fail_next(self, interrupt: Interrupt, times: int = 1, aim: Aim = lambda _: True) -> None:
        """Let the interruption answer the next requests that are aimed at (`asking("list", EVENTS)`)."""
        self._faults.append(Fault(interrupt, times, aim))

    def watching(self, kind: Kind) -> int:
        """How many watches of the kind are open."""
        return len(self._watches.of(kind))

    async def until_watching(self, kind: Kind, count: int = 1) -> None:
        await self._watches.until(lambda: self.watching(kind) == count)

    def drop_watches(self, kind: Kind | None = None) -> None:
        """End them as a server does that has had enough of them."""
        self._watches.end("clean", kind)

    def cut_watches(self, kind: Kind | None = None) -> None:
        """Close their connections in the middle of a line."""
        self._watches.cut(kind)

    def cut_watches_at_next_change(self, kind: Kind | None = None) -> None:
        """Close their connections in the middle of the line that tells of the next change."""
        for watch in self._watches.of(kind):
            watch.cut_at_next = True

    def fail_watches(self, code: int, reason: str, message: str, kind: Kind | None = None) -> None:
        """Send an ERROR, and end them."""
        self.send_line(error_line(statuses.failure(code, reason, message)), kind)
        self.drop_watches(kind)

    def expire_watches(self, kind: Kind | None = None) -> None:
        """Tell the watches that are open that their version is too old, as a server does that cannot keep up."""
        self.fail_watches(HTTPStatus.GONE, "Expired", f"too old resource version: 1 ({self.version})", kind)

    def hold_watches(self) -> None:
        """From now on, no watch sends anything."""
        self._watches.hold(held=True)

    def release_watches(self) -> None:
        self._watches.hold(held=False)

    def send_bookmarks(self) -> None:
        self._watches.bookmark()

    def send_line(self, line: bytes, kind: Kind | None = None) -> None:
        """Put bytes of the test's own into the watches."""
        for watch in self._watches.of(kind):
            watch.tell(line)

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


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
