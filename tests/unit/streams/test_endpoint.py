from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.endpoint import credentials_file, redacted, servers

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("nats://host:4222", "nats://host:4222"),
        ("tls://host:4443", "tls://host:4443"),
        ("http://host:4222", "nats://host:4222"),
        ("https://host:4222", "tls://host:4222"),
        ("HTTP://host:4222/", "nats://host:4222"),
        ("host:4222", "nats://host:4222"),
        ("host", "nats://host:4222"),
        ("nats://host", "nats://host:4222"),
        ("nats-0.nats_headless.ops-system.svc:4222", "nats://nats-0.nats_headless.ops-system.svc:4222"),
        ("[::1]:4222", "nats://[::1]:4222"),
        ("nats://[fd00::1]", "nats://[fd00::1]:4222"),
        ("http://app:pw@host:4222", "nats://app:pw@host:4222"),
        ("app:pw@host", "nats://app:pw@host:4222"),
        ("nats://token@host:4222", "nats://token@host:4222"),
        ("nats://u:p@ss:word@host:4222", "nats://u:p@ss:word@host:4222"),
        ("nats://u:p%40ss@host:4222", "nats://u:p@ss@host:4222"),
    ],
)
def test_one_server_is_read_as_people_write_it(endpoint: str, url: str) -> None:
    assert servers(endpoint) == [url]


def test_several_servers_are_parted_by_commas_and_white_space_is_nothing() -> None:
    assert servers(" nats://u:p@a:1, b:2 ,,tls://c:3,") == ["nats://u:p@a:1", "nats://b:2", "tls://c:3"]


@pytest.mark.parametrize(
    ("endpoint", "remedy"),
    [
        ("", "the endpoint is empty: write for instance nats://host:4222"),
        (" , ", "the endpoint is empty"),
        ("ftp://host:21", "begin it with nats:// or tls://"),
        ("ws://host:80", "begin it with nats:// or tls://"),
        ("nats://", "write a host name or address, and a port"),
        ("nats://host:port", "write a host name or address, and a port"),
        ("nats://host:4222/path", "write a host name or address, and a port"),
        ("nats://ho st:4222", "write a host name or address, and a port"),
        ("nats://host:0", "a port lies between 1 and 65535"),
        ("nats://host:65536", "a port lies between 1 and 65535"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(endpoint: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        servers(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        f"nats://u:{SECRET}/x@host:4222",
        f"nats://u:{SECRET}#x@host:4222",
        f"nats://u:{SECRET}?x@host:4222",
        f"nats://u:{SECRET},x@host:4222",
        f"nats://u:x,{SECRET}@host:4222",
        f"nats://u:{SECRET}%2Fx@host:4222",
        f"nats://u:{SECRET} x@host:4222",
        f"nats://u:{SECRET}@host:port",
        f"ftp://u:{SECRET}@host:21",
        f"u:{SECRET}",
        f"a:1,nats://u:{SECRET}@host:99999",
    ],
)
def test_no_refusal_and_no_redacted_endpoint_shows_a_password(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        servers(endpoint)
    assert SECRET not in str(refusal.value)
    assert SECRET not in redacted(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("nats://u:hunter2@host:4222", "nats://***@host:4222"),
        ("nats://token@host:4222", "nats://***@host:4222"),
        ("tls://a:1, u:p@b:2", "tls://***@b:2"),
        ("tls://u:p@a:1,b:2", "tls://***@a:1,b:2"),
        ("http://host:4222", "http://host:4222"),
        ("nats://host:what?", "nats://***"),
    ],
)
def test_what_is_shown_names_the_server_and_no_user(endpoint: str, shown: str) -> None:
    assert redacted(endpoint) == shown


@given(user=st.text(min_size=1), password=st.text(min_size=1))
def test_a_percent_encoded_password_reaches_the_client_as_it_is_or_is_refused(user: str, password: str) -> None:
    endpoint = f"nats://{quote(user, safe='')}:{quote(password, safe='')}@host:4222"
    try:
        (url,) = servers(endpoint)
    except ValueError:
        assert not (user + password).isalnum() or not (user + password).isascii()
    else:
        assert (urlsplit(url).username, urlsplit(url).password, urlsplit(url).hostname) == (user, password, "host")


@given(before=st.text(max_size=5), after=st.text(max_size=5))
def test_whatever_stands_around_a_password_it_is_not_shown(before: str, after: str) -> None:
    endpoint = f"nats://u:{before}{SECRET}{after}@host:4222"
    assert SECRET not in redacted(endpoint)


def test_a_credentials_file_is_taken_when_it_holds_a_jwt_and_a_seed(tmp_path: Path) -> None:
    file = tmp_path / "user.creds"
    file.write_text("-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\ny\n")
    assert credentials_file(str(file)) == str(file)


def test_a_file_without_credentials_is_refused_before_the_client_reads_it_without_end(tmp_path: Path) -> None:
    file = tmp_path / "user.creds"
    file.write_text(SECRET)
    with pytest.raises(ValueError, match="is no NATS credentials file: it needs a user JWT") as refusal:
        credentials_file(str(file))
    assert SECRET not in str(refusal.value)


def test_a_missing_credentials_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.creds cannot be read \(No such file"):
        credentials_file(str(tmp_path / "absent.creds"))
