"""The connection to the Kubernetes API: where it is found, how it proves itself, what its refusals say."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from app.errors import ConfigurationError, UnavailableError
from app.sources.kubernetes import configuration
from app.sources.kubernetes import connection as room
from app.sources.kubernetes.connection import Connection, KubeConfig, Mode, Permission, ServiceAccount, find, refusal
from tests.kubernetes import ApiServer, Gate, answering, running_api

NO_POD = ServiceAccount("", "")
PATH = "/api/v1/namespaces/ns/secrets/keys"


@pytest.fixture
def pod(tmp_path: Path) -> ServiceAccount:
    """A pod's service account, with a token that no server knows."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("token-of-a-pod")
    return ServiceAccount("10.96.0.1", "443", folder)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "kubeconfig"
    path.write_text("{}")
    return str(path)


@pytest.fixture
def home_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home-config"
    path.write_text("{}")
    monkeypatch.setattr(configuration, "_HOME_FILE", path)
    return path


@pytest.fixture
def no_home_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "_HOME_FILE", tmp_path / "nothing")


def test_off_finds_nothing_wherever_it_is(file: str, pod: ServiceAccount) -> None:
    assert find("off", file, pod) is None


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_the_file_that_was_named_comes_before_the_pods_account(mode: Mode, file: str, pod: ServiceAccount) -> None:
    assert find(mode, file, pod) == KubeConfig(file)
    assert find(mode, "", pod) == pod


def test_one_of_several_files_is_enough(file: str) -> None:
    assert find("auto", f"/nowhere:{file}", NO_POD) == KubeConfig(f"/nowhere:{file}")


def test_nothing_given_is_no_kubernetes_even_where_the_home_folder_has_a_file(home_file: Path) -> None:
    assert find("auto", "", NO_POD) is None
    assert find("on", "", NO_POD) == KubeConfig(str(home_file))


def test_a_pod_without_a_token_has_no_kubernetes(pod: ServiceAccount) -> None:
    (pod.folder / "token").unlink()

    assert find("auto", "", pod) is None


@pytest.mark.usefixtures("no_home_file")
def test_on_without_any_configuration_says_where_it_looked() -> None:
    with pytest.raises(ConfigurationError, match=r"KUBERNETES=on.*/missing.*serviceaccount.*nothing"):
        find("on", "/missing", NO_POD)


async def test_a_request_carries_the_token_of_the_file(api: ApiServer, connection: Connection) -> None:
    api.put_secret("ns", "keys", secret="s")

    reply = await connection.get(PATH)

    assert reply.status == 200
    assert b'"kind":"Secret"' in reply.body
    assert api.requests == [f"GET {PATH}"]


async def test_nothing_is_opened_or_imported_before_the_first_request() -> None:
    program = "import sys; import app.sources.kubernetes.secrets; print('kubernetes' in sys.modules)"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], check=True, capture_output=True, env={**os.environ}
    )

    assert done.stdout.split() == [b"False"]


async def test_requests_at_the_same_time_share_one_client(api: ApiServer, connection: Connection) -> None:
    clients = await asyncio.gather(*(connection.client() for _ in range(10)))

    assert len({id(client) for client in clients}) == 1
    assert api.requests == []


async def test_a_token_that_was_replaced_in_the_file_is_taken_up(
    api: ApiServer, connection: Connection, tmp_path: Path
) -> None:
    assert (await connection.get(PATH)).status == 404
    api.token = "token-2"
    api.kubeconfig(tmp_path / "config")

    assert (await connection.get(PATH)).status == 404
    assert len(api.requests) == 3


async def test_credentials_that_stay_wrong_are_asked_about_twice_and_no_more(
    api: ApiServer, connection: Connection
) -> None:
    api.token = "another"

    assert (await connection.get(PATH)).status == 401
    assert len(api.requests) == 2


async def test_a_pods_account_speaks_tls_and_takes_up_a_token_that_was_replaced(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "token").write_text("token-1")
    async with running_api(tls) as api:
        account = ServiceAccount("127.0.0.1", str(api.port), tmp_path)
        assert account.present
        async with Connection(account) as connection:
            assert (await connection.get(PATH)).status == 404
            api.token = "token-2"
            (tmp_path / "token").write_text("token-2")
            assert (await connection.get(PATH)).status == 404


async def test_a_server_that_another_authority_vouches_for_is_not_asked(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.crt")
    async with running_api(tls) as api:
        config = KubeConfig(str(api.kubeconfig(tmp_path / "config", authority=tmp_path / "ca.crt")))
        async with Connection(config) as connection:
            with pytest.raises(UnavailableError, match=r"does not answer \(ClientConnectorCertificateError\)"):
                await connection.get(PATH)
        assert api.requests == []


async def test_an_api_that_is_away_is_told_and_asked_again_when_it_is_back(
    api: ApiServer, connection: Connection
) -> None:
    await api.close()
    with pytest.raises(UnavailableError, match=r"does not answer \(ClientConnectorError\)"):
        await connection.get(PATH)

    await api.open()
    assert (await connection.get(PATH)).status == 404


async def test_an_api_that_hangs_is_given_up(
    api: ApiServer, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    api.interrupt = gate
    monkeypatch.setattr(room, "_REQUEST_SECONDS", 0.1)

    with pytest.raises(UnavailableError, match=r"does not answer \(TimeoutError\)"):
        await connection.get(PATH)
    gate.opened.set()


async def test_an_answer_that_is_no_json_is_an_answer(api: ApiServer, connection: Connection) -> None:
    api.interrupt = answering(502, "<html>bad gateway</html>", "text/html")

    assert (await connection.get(PATH)).status == 502


@pytest.mark.parametrize("text", ["", "[]", "token: s3cret: s3cret", "{", "{}", "current-context: missing", "\0"])
async def test_a_file_that_is_no_configuration_is_told_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    async with Connection(KubeConfig(str(path))) as connection:
        with pytest.raises(UnavailableError, match="cannot be used") as raised:
            await connection.get(PATH)

    assert str(path) in str(raised.value)
    assert "s3cret" not in str(raised.value)


async def test_a_file_that_was_mended_is_used(api: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("{}")
    async with Connection(KubeConfig(str(path))) as connection:
        with pytest.raises(UnavailableError):
            await connection.get(PATH)
        api.kubeconfig(path)
        assert (await connection.get(PATH)).status == 404


async def test_without_kubernetes_the_error_says_how_to_get_it() -> None:
    async with Connection(None) as connection:
        assert not connection.configured
        with pytest.raises(UnavailableError, match="no Kubernetes is configured: set KUBECONFIG"):
            await connection.get(PATH)


async def test_a_certificate_that_is_none_is_told_and_used_once_it_is_mended(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    (tmp_path / "ca.crt").write_text("no certificate")
    async with running_api(tls) as api:
        config = KubeConfig(str(api.kubeconfig(tmp_path / "config", authority=tmp_path / "ca.crt")))
        async with Connection(config) as connection:
            with pytest.raises(UnavailableError, match="cannot be used"):
                await connection.get(PATH)
            authority.cert_pem.write_to_path(tmp_path / "ca.crt")
            assert (await connection.get(PATH)).status == 404


async def test_a_pods_token_that_cannot_be_read_for_a_while_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "token").write_text("token-1")
    async with running_api(tls) as api, Connection(ServiceAccount("127.0.0.1", str(api.port), tmp_path)) as connection:
        assert (await connection.get(PATH)).status == 404
        loader = (await connection.client()).configuration.refresh_api_key_hook.__closure__[0].cell_contents
        monkeypatch.setattr(loader, "token_expires_at", datetime.min)  # noqa: DTZ901 -- as the package compares it
        (tmp_path / "token").write_text("")
        with pytest.raises(UnavailableError, match=r"cannot be used \(ConfigException\)"):
            await connection.get(PATH)
        (tmp_path / "token").write_text("token-1")
        assert (await connection.get(PATH)).status == 404


def test_a_refusal_says_which_right_is_missing_and_where() -> None:
    in_one = str(refusal(403, Permission("get", "secrets", "ns")))
    in_all = str(refusal(403, Permission("watch", "hosts.crd.chenshaowen.com")))

    assert in_one.startswith("this process may not get secrets in namespace ns (403)")
    assert "a Role and a RoleBinding" in in_one
    assert in_all.startswith("this process may not watch hosts.crd.chenshaowen.com in all namespaces (403)")
    assert "a ClusterRole" in in_all
    assert "401" in str(refusal(401, Permission("get", "secrets", "ns")))
    assert "answered 503 to: get secrets in namespace ns" in str(refusal(503, Permission("get", "secrets", "ns")))
