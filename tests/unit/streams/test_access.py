"""What people write to get into NATS, and what they are told where it cannot work."""

from __future__ import annotations

from pathlib import Path

import nkeys  # type: ignore[import-untyped]
import pytest
import trustme

from streams.access import Access
from tests.keys import seed

URL = "tls://nats.example:4222"


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.fixture
def pem(tmp_path: Path) -> dict[str, str]:
    authority = trustme.CA()
    one, other = authority.issue_cert("client"), authority.issue_cert("client")
    return {
        "ca": write(tmp_path / "ca.pem", authority.cert_pem.bytes()),
        "cert": write(tmp_path / "cert.pem", one.cert_chain_pems[0].bytes()),
        "key": write(tmp_path / "key.pem", one.private_key_pem.bytes()),
        "other": write(tmp_path / "other.pem", other.private_key_pem.bytes()),
    }


def test_without_files_there_are_servers_only() -> None:
    assert Access("nats://a,nats://b").options() == {"servers": ["nats://a:4222", "nats://b:4222"]}


def test_a_seed_is_read_without_what_stands_around_it(tmp_path: Path) -> None:
    mine = seed(nkeys.PREFIX_BYTE_USER)
    assert Access(URL, nkey=write(tmp_path / "seed", f"{mine}\n")).options()["nkeys_seed_str"] == mine


def test_certificates_make_a_context(pem: dict[str, str]) -> None:
    context = Access(URL, tls_ca=pem["ca"], tls_cert=pem["cert"], tls_key=pem["key"]).options()["tls"]
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("field", ["credentials", "nkey", "tls_ca"])
def test_a_file_that_is_missing_is_named_with_its_variable(field: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"EVENT_{field.upper()}: .*{tmp_path}/absent") as told:
        Access(URL, **{field: str(tmp_path / "absent")}).options()
    assert "cannot be read" in str(told.value)


@pytest.mark.parametrize(
    "content",
    ["", "SUAB", "no seed", b"\xff\xfe", seed(nkeys.PREFIX_BYTE_ACCOUNT)],
    ids=["nothing", "its beginning", "words", "no text", "an account's"],
)
def test_what_is_no_seed_of_a_user_is_refused_and_not_shown(content: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"EVENT_NKEY: ") as told:
        Access(URL, nkey=write(tmp_path / "seed", content)).options()
    assert len(content) < 10 or str(content) not in str(told.value)


def test_a_certificate_needs_its_key(pem: dict[str, str]) -> None:
    for given in ({"tls_cert": pem["cert"]}, {"tls_key": pem["key"]}):
        with pytest.raises(ValueError, match="EVENT_TLS_CERT and EVENT_TLS_KEY go together"):
            Access(URL, **given).options()


def test_a_key_of_another_certificate_is_told(pem: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"EVENT_TLS_KEY: .*other.pem is not the key of"):
        Access(URL, tls_cert=pem["cert"], tls_key=pem["other"]).options()


def test_what_is_no_certificate_is_told(pem: dict[str, str], tmp_path: Path) -> None:
    junk = write(tmp_path / "junk.pem", "junk")
    with pytest.raises(ValueError, match=r"EVENT_TLS_CA: .*holds no certificate"):
        Access(URL, tls_ca=junk).options()
    with pytest.raises(ValueError, match="no certificate and key in PEM"):
        Access(URL, tls_cert=junk, tls_key=pem["key"]).options()


def test_two_ways_to_say_who_we_are_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave one out"):
        Access(URL, credentials="a", nkey="b").options()


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Access("nats://me:hunter2@host"))
