"""How the pods of the chart get into NATS: by files of Secrets, those of the app, of a group, of the provisioning."""

from __future__ import annotations

import pytest

from app.settings import Settings
from streams.__main__ import main
from tests.deploy.manifests import deployment, environment, named, needs_helm, rendered, secrets
from tests.deploy.values import A_FILE, EVERYTHING

pytestmark = needs_helm


def test_the_provisioning_is_somebody_else_on_nats_and_trusts_whom_the_app_trusts() -> None:
    job = named(rendered(EVERYTHING), "Job", "ops-events-provision")
    given = environment(job)
    assert given["EVENT_NKEY"] == "/etc/ops-events/nats-nkey/admin.nk"
    assert "EVENT_CREDENTIALS" not in given
    assert given["EVENT_EDGES"] == "berlin,tokyo"
    for variable, file in (("CA", "nats-ca/ca.pem"), ("CERT", "nats-cert/tls.crt"), ("KEY", "nats-key/tls.key")):
        assert given[f"EVENT_TLS_{variable}"] == f"/etc/ops-events/{file}"
    certificates = {"nats-ca": "authority", "nats-cert": "nats-tls", "nats-key": "nats-tls"}
    assert secrets(job) == {**certificates, "nats-nkey": "nats-admin", "more": "more"}
    own = {"tls": {"cert": A_FILE, "key": A_FILE}}
    other = named(rendered({**EVERYTHING, "provision": own}), "Job", "ops-events-provision")
    assert environment(other)["EVENT_TLS_CERT"] == "/etc/ops-events/nats-cert/file"
    assert secrets(other) == {**certificates, "nats-cert": "of-a-secret", "nats-key": "of-a-secret", "more": "more"}


def test_what_every_command_of_streams_is_told_is_known_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment(named(rendered(EVERYTHING), "Job", "ops-events-provision"))
    extra = {variable["name"] for variable in EVERYTHING["extraEnv"]}
    assert set(given) - extra <= {name.upper() for name in Settings.model_fields}
    monkeypatch.setenv("EVENT_EDGES", given["EVENT_EDGES"])
    assert main(["check"]) == 0


def test_a_group_may_be_a_user_of_its_own_on_nats() -> None:
    door = {"name": "door", "roles": ["ingress"], "replicas": 1}
    own = {"endpoint": {"name": "nats-door", "key": "url"}, "credentials": {"name": "door", "key": "door.creds"}}
    values = {"groups": [{**door, "nats": own}, {**door, "name": "other"}]}
    one, other = (deployment(values, f"ops-events-{name}") for name in ("door", "other"))
    assert environment(one)["EVENT_ENDPOINT"] == {"secretKeyRef": {"name": "nats-door", "key": "url"}}
    assert environment(one)["EVENT_CREDENTIALS"] == "/etc/ops-events/nats/door.creds"
    assert secrets(one) == {"nats": "door"}
    assert environment(other)["EVENT_ENDPOINT"] == environment(deployment())["EVENT_ENDPOINT"]
    assert secrets(other) == {}


def test_a_group_with_an_nkey_is_not_also_the_user_of_the_release() -> None:
    own = {"nkey": {"name": "door", "key": "door.nk"}, "tls": {"cert": A_FILE, "key": A_FILE}}
    door = {"name": "door", "roles": ["ingress"], "replicas": 1, "nats": own}
    one = deployment({**EVERYTHING, "groups": [door]}, "ops-events-door")
    assert environment(one)["EVENT_NKEY"] == "/etc/ops-events/nats-nkey/door.nk"
    assert "EVENT_CREDENTIALS" not in environment(one)
    assert environment(one)["EVENT_TLS_CERT"] == "/etc/ops-events/nats-cert/file"
    assert environment(one)["EVENT_TLS_CA"] == "/etc/ops-events/nats-ca/ca.pem", "as the release says"
    assert "nats" not in secrets(one)
