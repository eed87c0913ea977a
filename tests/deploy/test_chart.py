"""The chart: what it refuses, what it takes, and that nothing secret is written into it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet

from app.settings import ALL_ROLES, Settings, load
from app.telemetry.sampling import SAMPLERS
from streams.edges import parse
from tests.deploy.dockerfile import ROOT
from tests.deploy.manifests import (
    CHART,
    DEPLOY,
    deployment,
    environment,
    lint,
    named,
    needs_helm,
    of_kind,
    pod,
    profile,
    rendered,
    secrets,
)
from tests.deploy.values import A_FILE, EVERYTHING

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
KEY = Fernet.generate_key().decode()
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


@needs_helm
@pytest.mark.parametrize("values", [{}, *map(profile, ("single", "split", "production")), EVERYTHING])
def test_helm_finds_nothing_against_it(values: dict[str, Any]) -> None:
    assert lint(values) == []


@needs_helm
def test_helm_would_find_something() -> None:
    assert lint({"cluster": 5})


@needs_helm
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"nats": {"streamReplicas": 2}}, "streamReplicas"),
        ({"nats": {"endpoint": {"name": ""}}}, "endpoint"),
        ({"image": {"tag": "latest"}}, "tag"),
        ({"image": {"digest": "sha256:short"}}, "digest"),
        ({"groups": []}, "groups"),
        ({"groups": [{"name": "a", "roles": ["hook"], "replicas": 1}]}, "roles"),
        ({"groups": [{"name": "a", "roles": ["hooks"]}]}, "groups"),
        ({"groups": [{"name": "Upper", "roles": ["hooks"], "replicas": 1}]}, "name"),
        ({"secrets": {"serverToken": "s3cret"}}, "serverToken"),
        ({"secrets": {"serverTokn": {"name": "a", "key": "b"}}}, "serverTokn"),
        ({"networkPolicy": {"kubernetesApiPorts": [0]}}, "kubernetesApiPorts"),
        ({"shutdownDelaySeconds": "soon"}, "shutdownDelaySeconds"),
        ({"activeNamespace": "two words"}, "activeNamespace"),
        ({"nats": {"edges": ["a.b"]}}, "edges"),
        ({"nats": {"nkey": A_FILE, "credentials": A_FILE}}, "credentials and nkey"),
        ({"nats": {"tls": {"cert": A_FILE}}}, "tls.cert and tls.key"),
        ({"provision": {"tls": {"key": A_FILE}}}, "tls.cert and tls.key"),
        ({"log": {"level": "loud"}}, "level"),
        ({"canarySeconds": 0.5}, "canarySeconds"),
        ({"canarySeconds": 101}, "canarySeconds"),
        ({"tracing": {"sampler": "some"}}, "sampler"),
        ({"tracing": {"samplerArg": 2}}, "samplerArg"),
        ({"tracing": {"endpoint": "collector:4318"}}, "endpoint"),
        ({"alerts": {"runbooks": "docs/runbooks"}}, "runbooks"),
    ],
)
def test_values_that_are_written_wrong_are_refused_by_name(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        rendered(values)


def test_every_value_has_a_schema_that_knows_its_fields_by_name() -> None:
    assert set(SCHEMA["properties"]) - {"global"} == set(VALUES)
    assert all(inner.get("additionalProperties") is False for inner in _tables(SCHEMA["properties"]))
    for name, value in VALUES.items():
        known = SCHEMA["properties"][name].get("properties")
        if isinstance(value, dict) and known is not None:
            assert set(known) == set(value), name


def _tables(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and isinstance(node["properties"], dict):
            yield node
        for inner in node.values():
            yield from _tables(inner)


def test_every_value_is_explained() -> None:
    table = (DEPLOY / "README.md").read_text().partition("## Values")[2].partition("\n## ")[0]
    first_columns = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    explained = {name for column in first_columns for name in re.findall(r"`(\w+)`", column)}
    assert explained == set(VALUES)


def test_the_roles_are_those_of_the_app() -> None:
    group = SCHEMA["properties"]["groups"]["items"]["properties"]
    assert set(group["roles"]["items"]["enum"]) == ALL_ROLES


def test_the_samplers_levels_and_edges_are_those_of_the_app() -> None:
    tracing, log, nats = (SCHEMA["properties"][name]["properties"] for name in ("tracing", "log", "nats"))
    assert set(tracing["sampler"]["enum"]) == {"", *SAMPLERS}
    assert set(log["level"]["enum"]) == {"", "debug", "info", "warning", "error", "critical"}
    for name, good in (("tokyo-1", True), ("a.b", False), ("a_b", False), ("-a", False), ("a" * 64, False)):
        assert bool(re.fullmatch(nats["edges"]["items"]["pattern"], name)) is good
        with nullcontext() if good else pytest.raises(ValueError, match="edge"):
            parse(name)


def test_its_versions_are_those_of_the_project() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_it_holds_the_definition_of_hooks_that_stands_beside_it() -> None:
    assert (CHART / "files/eventhooks.yaml").read_bytes() == (DEPLOY / "crds/eventhooks.yaml").read_bytes()


@needs_helm
def test_the_definition_of_hooks_is_upgraded_with_it_and_outlives_it() -> None:
    (definition,) = of_kind(rendered(), "CustomResourceDefinition")
    assert definition == yaml.safe_load((DEPLOY / "crds/eventhooks.yaml").read_text())
    assert definition["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert of_kind(rendered({"crds": {"install": False}}), "CustomResourceDefinition") == []


@needs_helm
@pytest.mark.parametrize("values", [{}, EVERYTHING])
def test_the_app_is_told_nothing_that_it_does_not_know(values: dict[str, Any]) -> None:
    known = {name.upper() for name in Settings.model_fields}
    extra = {variable["name"] for variable in values.get("extraEnv", [])}
    for one in of_kind(rendered(values), "Deployment"):
        assert set(environment(one)) - extra <= known


@needs_helm
@pytest.mark.parametrize("values", [{}, EVERYTHING])
def test_the_app_can_be_started_with_what_it_is_told(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"EVENT_ENDPOINT": "nats://nats.nats.svc:4222", "SERVER_TOKEN": "t" * 40, "SECRETS_KEY": KEY}
    for one in of_kind(rendered(values), "Deployment"):
        for name, value in environment(one).items():
            monkeypatch.setenv(name, value if isinstance(value, str) else secret[name])
        monkeypatch.setenv("KUBERNETES", "off")  # there is none here
        for file in ("EVENT_CREDENTIALS", "EVENT_TLS_CA", "EVENT_TLS_CERT", "EVENT_TLS_KEY"):
            monkeypatch.delenv(file, raising=False)  # nor such a file
        configured = load()
        assert configured.edges == tuple(values.get("nats", {}).get("edges", ()))
        assert (configured.sampling is not None) is ("tracing" in values)
        assert configured.canary_seconds == values.get("canarySeconds", 60)
        assert configured.roles == set(environment(one)["ROLES"].split(","))
        assert not configured.embedded


@needs_helm
def test_secrets_are_named_and_never_written() -> None:
    given = environment(deployment())
    for variable in ("EVENT_ENDPOINT", "SERVER_TOKEN", "SECRETS_KEY"):
        assert set(given[variable]) == {"secretKeyRef"}
    assert of_kind(rendered(EVERYTHING), "Secret") == []


@needs_helm
def test_files_of_secrets_are_mounted_as_folders_so_that_a_change_reaches_the_process() -> None:
    one = deployment(EVERYTHING, "ops-events-work")
    (container,) = pod(one)["containers"]
    assert all("subPath" not in mount for mount in container["volumeMounts"])
    given = environment(one)
    assert given["ACCESS_FILE"] == "/etc/ops-events/access/access.yaml"
    assert given["NOTIFICATIONS_FILE"] == "/etc/ops-events/notifications/routes.yaml"
    assert given["EVENT_CREDENTIALS"] == "/etc/ops-events/nats/app.creds"
    assert secrets(one) == {
        "access": "access",
        "notifications": "routes",
        "nats": "nats-app",
        "more": "more",
        "nats-ca": "authority",
        "nats-cert": "nats-tls",
        "nats-key": "nats-tls",
    }


@needs_helm
def test_a_secret_without_a_name_is_left_out() -> None:
    values = {"secrets": {"serverToken": {"name": ""}, "secretsKey": {"name": ""}}}
    assert not {"SERVER_TOKEN", "SECRETS_KEY"} & set(environment(deployment(values)))


@needs_helm
def test_no_trace_is_recorded_where_the_ratio_is_nought() -> None:
    given = environment(deployment({"tracing": {"endpoint": "http://collector:4318", "samplerArg": 0}}))
    assert given["OTEL_TRACES_SAMPLER_ARG"] == "0"


@needs_helm
def test_an_image_can_be_pinned_to_its_bytes() -> None:
    (container,) = pod(deployment(EVERYTHING, "ops-events-work"))["containers"]
    assert container["image"] == f"images.example.internal/ops-events:1@sha256:{'0' * 64}"


@needs_helm
def test_a_group_that_scales_by_itself_states_no_number_of_replicas() -> None:
    manifests = rendered(profile("production"))
    assert "replicas" not in named(manifests, "Deployment", "ops-events-ingress")["spec"]
    assert named(manifests, "Deployment", "ops-events-watch")["spec"]["replicas"] == 2
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind(manifests, "HorizontalPodAutoscaler")}
    assert scaled == {"ops-events-ingress", "ops-events-work"}


@needs_helm
def test_what_is_switched_off_is_not_there() -> None:
    values = {"networkPolicy": {"enabled": False}, "provision": {"enabled": False}, "rbac": {"create": False}}
    kinds = {manifest["kind"] for manifest in rendered(values)}
    assert not kinds & {"NetworkPolicy", "Job", "ClusterRole", "ClusterRoleBinding", "ServiceMonitor"}


@needs_helm
def test_two_releases_share_no_name_and_no_pod() -> None:
    def names(release: str) -> set[tuple[str, str]]:
        found = (m for m in rendered(release=release) if m["kind"] != "CustomResourceDefinition")
        return {(manifest["kind"], manifest["metadata"]["name"]) for manifest in found}

    assert not names("one") & names("two")
    selectors = [named(rendered(release=r), "Service", f"{r}-ops-events")["spec"]["selector"] for r in ("one", "two")]
    assert selectors[0] != selectors[1]
