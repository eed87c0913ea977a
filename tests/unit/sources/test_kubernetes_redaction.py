"""What of a run may be shown, and what may not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sources.kubernetes.redaction import Redaction
from tests.unit.events.examples import any_text

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAAB3NzaC1\n-----END OPENSSH PRIVATE KEY-----"
KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster: {server: "https://10.0.0.1:6443"}
  name: prod
current-context: prod
kind: Config
users:
- name: admin
  user: {token: letmein}
"""
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl-_x"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    return base64.encodebytes(text.encode()).decode().strip()


def shown(text: str, **variables: str) -> str:
    return Redaction(variables).text(text)


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "DB_PASS", "apiToken", "ssh-key", "KUBECONFIG", "kube_config", "prodKubeconfig"]
)
def test_a_variable_whose_name_says_so_is_hidden_and_so_is_its_value_in_texts(name: str) -> None:
    redaction = Redaction({name: "hunter2\n", "host": "node-a", "url": "db/hunter2"})

    assert redaction.variables() == {name: "***", "host": "node-a", "url": "db/***"}
    assert redaction.text("mysql -phunter2 db") == "mysql -p*** db"


@pytest.mark.parametrize("name", ["host", "threshold", "secretRef", "compass-point", "NAMESPACE"])
def test_other_variables_and_their_values_are_shown(name: str) -> None:
    assert Redaction({name: "node-a"}).variables() == {name: "node-a"}
    assert shown("on node-a", **{name: "node-a"}) == "on node-a"


def test_an_empty_secret_stays_empty_and_a_short_one_is_hidden_only_where_it_is_defined() -> None:
    redaction = Redaction({"password": "", "token": "on"})

    assert redaction.variables() == {"password": "", "token": "***"}
    assert redaction.text("on node-a") == "on node-a"


def test_a_variable_that_is_masked_already_hides_nothing_else() -> None:
    assert shown("a *** b", password="***") == "a *** b"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"cat key\n{KEY}\ndone", "cat key\n***\ndone"),
        (f"{KEY} {KEY}", "*** ***"),
        (KEY.replace("OPENSSH ", "")[:60], "***"),
        (f"key: {encoded(KEY)}\nend", "key: ***\nend"),
        (f"{wrapped(KEY)} end", "*** end"),
        (f"config: {encoded(KUBECONFIG)}", "config: ***"),
        (f"config: {encoded('kind: Config' + KUBECONFIG)}", "config: ***"),
        (f"config: {encoded('apiVersion: v1' + chr(10) + 'kind: Config')}", "config: ***"),
        (f"Authorization: Bearer {TOKEN}.", "Authorization: Bearer ***."),
        ("git clone https://bob:p%40ss@host/x ok", "git clone https://***@host/x ok"),
        ("redis://:p@ss@10.0.0.1:6379/0", "redis://***@10.0.0.1:6379/0"),
    ],
)
def test_what_shows_itself_to_be_a_secret_is_hidden_and_the_rest_is_shown(text: str, left: str) -> None:
    assert shown(text) == left


@pytest.mark.parametrize(
    "text",
    [
        KUBECONFIG,
        f"$ cat ~/.kube/config\n{KUBECONFIG}",
        '{"kind":"Config","apiVersion":"v1","users":[{"name":"a","user":{"token":"letmein"}}]}',
        r"\"kind\": \"Config\", \"users\": []",
        "    client-key-data: c2VjcmV0\n",
    ],
)
def test_a_text_that_is_a_kubeconfig_is_hidden_whole(text: str) -> None:
    assert shown(text) == "***"


@pytest.mark.parametrize(
    "text",
    [
        "12\n",
        "ssh: connect to host 10.0.0.12 port 22: Connection refused",
        "kind: ConfigMap\nusers: 3",
        "-----BEGIN CERTIFICATE-----",
        "https://example.com/a@b mail bob@example.com",
        "NAME   READY\nweb-0  1/1",
        "",
    ],
)
def test_ordinary_output_is_shown_as_it_is(text: str) -> None:
    assert shown(text, password="hunter2") == text


@given(any_text, any_text, st.sampled_from([KEY, encoded(KEY), TOKEN]))
def test_no_key_or_token_is_shown_wherever_it_stands(before: str, behind: str, secret: str) -> None:
    assert secret not in shown(f"{before}\n{secret}\n{behind}")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["-----BEGIN PRIVATE KEY", "-eyJaaaaaaaa", "eyJaaaaaaaa.", "://a@", "LS0tLS1CRUdJTi\n", "kind: "]
)
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    assert shown(piece * 50_000)
