"""Getting into a real server: by password, nkey and creds file, with certificates; and why one cannot."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nkeys  # type: ignore[import-untyped]
import pytest
import trustme

from app.errors import ConfigurationError
from app.jetstream.broker import make_broker
from streams.access import Access
from streams.connection import UnavailableError, connected
from tests.keys import Key, credentials, seed
from tests.servers import NatsServer, free_port, running_nats

PASSWORD = "hunter2"
YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def issued(
    folder: Path, authority: trustme.CA, name: str, *names: str, until: dt.datetime | None = None
) -> dict[str, str]:
    """A certificate's files."""
    leaf = authority.issue_cert(*(names or ("127.0.0.1",)), not_after=until)
    paths = {"cert": folder / f"{name}.pem", "key": folder / f"{name}-key.pem", "ca": folder / f"{name}-ca.pem"}
    leaf.private_key_pem.write_to_path(str(paths["key"]))
    leaf.cert_chain_pems[0].write_to_path(str(paths["cert"]))
    authority.cert_pem.write_to_path(str(paths["ca"]))
    return {part: str(path) for part, path in paths.items()}


@asynccontextmanager
async def configured(folder: Path, configuration: dict[str, Any]) -> AsyncIterator[NatsServer]:
    path = folder / "nats-server.conf"
    path.write_text(json.dumps(configuration))
    async with running_nats(folder / "nats", "--config", str(path)) as server:
        yield server


def tls(files: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"tls": {"cert_file": files["cert"], "key_file": files["key"], "ca_file": files["ca"], **more}}


async def enter(access: Access) -> None:
    """As the command line and as the app."""
    async with connected(access) as js:
        await js.account_info()
    broker = make_broker(access)
    await broker.connect()
    assert broker.not_connected() is None
    await broker.stop()


async def why_not(access: Access) -> str:
    with pytest.raises(UnavailableError) as told:
        async with connected(access):
            pass
    assert PASSWORD not in str(told.value)
    return str(told.value)


async def test_a_password_lets_in_and_a_wrong_one_is_told_without_it(tmp_path: Path) -> None:
    users = {"authorization": {"users": [{"user": "app", "password": PASSWORD}]}}
    async with configured(tmp_path, users) as server:
        await enter(Access(server.url.replace("://", f"://app:{PASSWORD}@")))
        assert "not let this user in" in await why_not(Access(server.url.replace("://", "://app:wrong@")))


async def test_an_nkey_lets_in_and_another_one_does_not(tmp_path: Path) -> None:
    mine, other = Key(seed(nkeys.PREFIX_BYTE_USER)), Key(seed(nkeys.PREFIX_BYTE_USER))
    (tmp_path / "mine").write_text(mine.seed)
    (tmp_path / "other").write_text(other.seed)
    async with configured(tmp_path, {"authorization": {"users": [{"nkey": mine.public}]}}) as server:
        await enter(Access(server.url, nkey=str(tmp_path / "mine")))
        told = await why_not(Access(server.url, nkey=str(tmp_path / "other")))
        assert "--nkey" in told
        assert other.seed not in told
        with pytest.raises(ConfigurationError, match="EVENT_NKEY"):
            await make_broker(Access(server.url, nkey=str(tmp_path / "other"))).start()


async def test_a_creds_file_lets_in(tmp_path: Path) -> None:
    operator, account, user = (
        Key(seed(kind)) for kind in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER)
    )
    limits = {"subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1, "payload": -1}
    kept = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    system = Key(seed(nkeys.PREFIX_BYTE_ACCOUNT))
    told = operator.claim(account, "APP", {"type": "account", "limits": {**limits, **kept, "wildcards": True}})
    let_in = account.claim(user, "app", {"type": "user", "subs": -1, "data": -1, "payload": -1})
    (tmp_path / "app.creds").write_text(credentials(let_in, user))
    trusting = {
        "operator": operator.claim(operator, "ops", {"type": "operator"}),
        "resolver": "MEMORY",
        "resolver_preload": {account.public: told, system.public: operator.claim(system, "SYS", {"type": "account"})},
        "system_account": system.public,
    }
    async with configured(tmp_path, trusting) as server:
        await enter(Access(server.url, credentials=str(tmp_path / "app.creds")))
        assert "not let this user in" in await why_not(Access(server.url))


async def test_certificates_on_either_side_let_in(tmp_path: Path, authority: trustme.CA) -> None:
    files = issued(tmp_path, authority, "server")
    mine = issued(tmp_path, authority, "client", "client.example")
    async with configured(tmp_path, tls(files, verify=True)) as server:
        for url in (server.url, server.url.replace("nats://", "tls://")):
            await enter(Access(url, tls_ca=mine["ca"], tls_cert=mine["cert"], tls_key=mine["key"]))
        why = await why_not(Access(server.url, tls_ca=mine["ca"]))
        assert "EVENT_TLS_CERT" in why


async def test_a_certificate_of_ours_that_has_expired_is_told(tmp_path: Path, authority: trustme.CA) -> None:
    files = issued(tmp_path, authority, "server")
    old = issued(tmp_path, authority, "client", until=YESTERDAY)
    async with configured(tmp_path, tls(files, verify=True)) as server:
        why = await why_not(Access(server.url, tls_ca=old["ca"], tls_cert=old["cert"], tls_key=old["key"]))
        assert "EVENT_TLS_CERT" in why
        assert "expired" in why  # as the server says it, or as a guess where it hangs up before that is read


@pytest.mark.parametrize(
    ("names", "until", "trusted", "told"),
    [
        (("127.0.0.1",), YESTERDAY, "ours", "certificate has expired"),
        (("elsewhere.example",), None, "ours", "for another (name|address)"),
        (("127.0.0.1",), None, "another", "EVENT_TLS_CA"),
    ],
)
async def test_a_server_whose_certificate_does_not_hold_is_told(
    tmp_path: Path, authority: trustme.CA, names: tuple[str, ...], until: dt.datetime | None, trusted: str, told: str
) -> None:
    files = issued(tmp_path, authority, "server", *names, until=until)
    mine = issued(tmp_path, authority if trusted == "ours" else trustme.CA(), "client")
    async with configured(tmp_path, tls(files)) as server:
        assert re.search(told, await why_not(Access(server.url, tls_ca=mine["ca"])))


async def test_a_server_that_does_not_encrypt_is_sent_no_password(tmp_path: Path, authority: trustme.CA) -> None:
    heard: list[bytes] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","max_payload":1048576,"auth_required":true}\r\n')
        heard.append(await reader.read(1000))
        writer.close()

    port, files = free_port(), issued(tmp_path, authority, "client")
    async with await asyncio.start_server(greet, "127.0.0.1", port):
        for access in (
            Access(f"tls://app:{PASSWORD}@127.0.0.1:{port}"),
            Access(f"nats://app:{PASSWORD}@127.0.0.1:{port}", tls_ca=files["ca"]),
        ):
            assert "does not encrypt" in await why_not(access)
        async with asyncio.timeout(10):
            while len(heard) < 2:  # noqa: ASYNC110 -- the server's side has to see its end
                await asyncio.sleep(0.01)
    assert heard == [b"", b""]
