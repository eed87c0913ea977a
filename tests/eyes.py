"""What `deploy/` has for who looks on: rules and the dashboard, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tests.app import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = ROOT / "deploy" / "alerts" / "ops-events.yaml"
DASHBOARD = ROOT / "deploy" / "dashboards" / "ops-events.json"
TARGET = frozenset({"job", "instance", "namespace", "pod"})  # labels that Prometheus puts to what it scrapes


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and where it stands; what Grafana fills in is filled in."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")
