"""Servers as `deploy/nats/*.conf` describes them, really started: TLS on every connection, accounts, permissions.

    with_tls = Authority(tmp_path)                        # certificates of an authority of the test's own
    edge = ConfiguredServer("edge.conf", tmp_path / "edge1", with_tls, name="edge1")
    await edge.start()
    App(folder, edge.environment("hooks"))                # as the user `hooks`, with its permissions

The files are taken as they are; what differs between servers comes from the environment, as in a deployment.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import trustme
from nats.aio.client import Client

from app.embedded import nats_server
from streams.access import Access
from streams.secured import SecuredClient
from tests.cluster import Node
from tests.servers import free_port, wait_for_port

NATS: Final = Path(__file__).parent.parent / "deploy" / "nats"
PASSWORDS: Final = {
    "NATS_SYS_PASSWORD": "sys-secret",
    "NATS_APP_PASSWORD": "app-secret",
    "NATS_PROVISIONING_PASSWORD": "provisioning-secret",
    "NATS_READER_PASSWORD": "reader-secret",
    "NATS_EDGE1_PASSWORD": "edge1-secret",
    "NATS_EDGE2_PASSWORD": "edge2-secret",
}
_PASSWORD_OF: Final = {"provisioning": "provisioning-secret", "reader": "reader-secret", "sys": "sys-secret"}


@dataclass
class Authority:
    """Signs the certificates of servers and clients, all of which are on this machine."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    @cached_property
    def files(self) -> dict[str, str]:
        """The files of the authority (`ca`), and of a certificate that it signed (`cert`, `key`)."""
        folder = self.folder / "certificates"
        folder.mkdir(parents=True, exist_ok=True)
        paths = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
        issued = self.ca.issue_cert("127.0.0.1", "localhost")
        self.ca.cert_pem.write_to_path(str(paths["ca"]))
        issued.private_key_pem.write_to_path(str(paths["key"]))
        paths["cert"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return {name: str(path) for name, path in paths.items()}


@dataclass
class ConfiguredServer(Node):
    """A server of one of the files."""

    configuration: Path = NATS / "edge.conf"
    authority: Authority = field(kw_only=True)
    leaf: int = field(default_factory=free_port)
    route: int = field(default_factory=free_port)
    routes: tuple[int, ...] = ()
    hub: str = field(default_factory=lambda: f"tls://127.0.0.1:{free_port()}")
    monitor: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.store / "nats-server.log").read_text()

    def url_of(self, user: str) -> str:
        return self.url.replace("://", f"://{user}:{_PASSWORD_OF.get(user, 'app-secret')}@")

    def access(self, user: str) -> Access:
        files = self.authority.files
        return Access(self.url_of(user), tls_ca=files["ca"], tls_cert=files["cert"], tls_key=files["key"])

    def environment(self, user: str) -> dict[str, str]:
        """What a process of ours needs to get in."""
        files = {f"EVENT_TLS_{name.upper()}": path for name, path in self.authority.files.items()}
        return {"EVENT_ENDPOINT": self.url_of(user), **files}

    async def start(self) -> None:
        self.store.mkdir(parents=True, exist_ok=True)
        with (self.store / "nats-server.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                nats_server(),
                "--config",
                str(self.configuration),
                env={"PATH": os.environ["PATH"], **PASSWORDS, **self._places()},
                stderr=log,
            )
        await wait_for_port(self.port)

    def _places(self) -> Mapping[str, str]:
        files = self.authority.files
        listening = {
            "NATS_LISTEN": f"127.0.0.1:{self.port}",
            "NATS_MONITOR": f"127.0.0.1:{self.monitor}",
            "NATS_LEAF_LISTEN": f"127.0.0.1:{self.leaf}",
            "NATS_CLUSTER_LISTEN": f"127.0.0.1:{self.route}",
            "NATS_STORE": str(self.store),
            "NATS_CERT": files["cert"],
            "NATS_KEY": files["key"],
            "NATS_CA": files["ca"],
        }
        quoted = {name: json.dumps(value) for name, value in listening.items()}
        routes = [f"tls://127.0.0.1:{port}" for port in self.routes]
        return {**quoted, "NATS_NAME": self.name, "NATS_ROUTES": json.dumps(routes), "NATS_HUB": json.dumps([self.hub])}


@asynccontextmanager
async def connected_as(server: ConfiguredServer, user: str) -> AsyncIterator[tuple[Client, list[str]]]:
    """A client, and what it is told that it may not do."""
    client, refused = SecuredClient(), list[str]()

    async def note(error: Exception) -> None:
        refused.append(str(error))

    await client.connect(**server.access(user).options(), error_cb=note, inbox_prefix=f"_INBOX.{user}")
    try:
        yield client, refused
    finally:  # else it looks for its server for ever when that has ended
        await client.close()


def violations(server: ConfiguredServer) -> set[str]:
    """What somebody was not allowed to do."""
    return set(re.findall(r"(?:Publish|Subscription) Violation.*", server.log))


def hub_servers(folder: Path, authority: Authority, of: Path = NATS / "hub.conf") -> tuple[ConfiguredServer, ...]:
    """The three nodes of a hub, which have yet to start; `folder` holds what they keep."""
    routes = tuple(free_port() for _ in range(3))
    return tuple(
        ConfiguredServer(
            folder / f"hub-{number}",
            name=f"hub-{number}",
            configuration=of,
            authority=authority,
            route=route,
            routes=routes,
        )
        for number, route in enumerate(routes)
    )
