"""Alerts and the dashboard: those of `deploy/`, as Prometheus' operator and Grafana's sidecar take them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import (
    CHART,
    DEPLOY,
    Manifest,
    kustomized,
    named,
    needs_helm,
    needs_kustomize,
    of_kind,
    rendered,
)
from tests.deploy.test_equal import plain
from tests.deploy.values import EVERYTHING
from tests.eyes import ALERTS, DASHBOARD, RUNBOOKS

ADDRESS = "https://git.example.com/runbooks"
ON: dict[str, Any] = {"alerts": {"enabled": True}, "dashboard": {"enabled": True}}


def rule(values: dict[str, Any]) -> Manifest:
    return named(rendered(values), "PrometheusRule", "ops-events")


def made(*arguments: str) -> Manifest:
    """What the script makes for those who have no Helm."""
    command = ["sh", str(DEPLOY / "alerts" / "prometheusrule.sh"), *arguments]
    return dict(yaml.safe_load(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def runbooks(manifest: Manifest) -> dict[str, str]:
    return {rule["alert"]: rule["annotations"]["runbook_url"] for rule in manifest["spec"]["groups"][0]["rules"]}


@needs_helm
def test_who_does_not_ask_for_them_gets_neither_alerts_nor_a_dashboard() -> None:
    assert not of_kind(rendered(), "PrometheusRule") + of_kind(rendered(), "ConfigMap")


@needs_helm
def test_the_rules_are_those_that_stand_beside_the_chart() -> None:
    assert rule(ON)["spec"] == yaml.safe_load(ALERTS.read_text())
    assert (CHART / "files/alerts.yaml").resolve() == ALERTS


@needs_helm
def test_every_alert_leads_to_its_page_where_they_can_be_read() -> None:
    assert runbooks(rule(EVERYTHING)) == {page.stem: f"{ADDRESS}/{page.name}" for page in RUNBOOKS.glob("Ops*.md")}


@needs_helm
def test_the_operator_finds_the_rules_by_a_label_of_its_own() -> None:
    assert rule(EVERYTHING)["metadata"]["labels"]["release"] == "prometheus"


@needs_helm
@pytest.mark.parametrize("address", ["", ADDRESS])
def test_rules_without_helm_are_the_same(address: str) -> None:
    values = {"alerts": {"enabled": True, "runbooks": address}}
    assert plain(made(address)) == plain(rule(values))
    assert made() == made("")


@needs_helm
@needs_kustomize
def test_the_dashboard_is_the_one_beside_the_chart_with_and_without_helm() -> None:
    board = named(rendered(ON), "ConfigMap", "ops-events-dashboard")
    assert json.loads(board["data"]["ops-events.json"]) == json.loads(DASHBOARD.read_text())
    assert (CHART / "files/dashboard.json").resolve() == DASHBOARD
    (other,) = kustomized("../dashboards")
    assert plain(board) == plain(other)


@needs_helm
def test_the_sidecar_finds_the_dashboard() -> None:
    board = named(rendered(EVERYTHING), "ConfigMap", "ops-events-dashboard")
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert board["metadata"]["annotations"] == {"grafana_folder": "Ops"}


@needs_kustomize
def test_runbooks_name_services_and_accounts_that_are_there() -> None:
    text = "".join(page.read_text() for page in RUNBOOKS.glob("*.md"))
    manifests = kustomized("overlays/all-in-one")
    for kind, pattern in (("Service", r"service/([-\w]+)"), ("ServiceAccount", r"serviceaccount:ops-system:([-\w]+)")):
        found = re.findall(pattern, text)
        assert found
        assert set(found) <= {one["metadata"]["name"] for one in of_kind(manifests, kind)}
    assert not re.search(r"deploy(ment)?/ops-events\b", text), "each group has a Deployment of its own name"


@needs_helm
def test_two_releases_do_not_write_the_same_file_into_grafana() -> None:
    boards = [of_kind(rendered(ON, release), "ConfigMap")[0]["data"] for release in ("one", "two")]
    assert not boards[0].keys() & boards[1].keys()
    assert all(re.fullmatch(r"[-._a-zA-Z0-9]+", name) for board in boards for name in board)
