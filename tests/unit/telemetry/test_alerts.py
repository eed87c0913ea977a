"""Rules, runbooks and the dashboard, as far as they can be judged without a running app (see `test_metrics.py`)."""

from __future__ import annotations

import re

import pytest

from app.ingress.table.notification_operations import ROOT as NOTIFICATIONS
from tests.app import ROOT
from tests.eyes import RUNBOOKS, TARGET, expressions, panels, rules
from tests.promql import Used, used

SECTIONS = ["What it means", "How to see it", "What to do"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_has_a_runbook_a_severity_and_words(rule: dict[str, object]) -> None:
    annotations, labels = rule["annotations"], rule["labels"]
    assert isinstance(annotations, dict)
    assert isinstance(labels, dict)
    assert annotations["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    text = (ROOT / annotations["runbook_url"]).read_text()
    assert text.startswith(f"# {rule['alert']}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert annotations["summary"] in text
    assert labels["severity"] in {"warning", "critical"}


def test_each_runbook_is_an_alerts_and_stands_in_the_index() -> None:
    names = {str(rule["alert"]) for rule in rules()}
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == names
    index = (RUNBOOKS / "README.md").read_text()
    for rule in rules():
        name, severity, summary = rule["alert"], rule["labels"]["severity"], rule["annotations"]["summary"]
        assert f"| [{name}]({name}.md) | {severity} | {summary} |" in index


def test_links_and_paths_in_runbooks_lead_somewhere() -> None:
    for page in RUNBOOKS.glob("*.md"):
        text = page.read_text()
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert (page.parent / link).exists(), (page.name, link)
    text = (RUNBOOKS / "OpsNotificationsUnrouted.md").read_text()
    assert f"{NOTIFICATIONS}/unrouted/deadletters" in text


def test_placeholders_name_labels_that_the_alert_keeps() -> None:
    for rule in rules():
        found = used(rule["expr"])
        kept = set.union(*(set(one.labels) for one in found)) | TARGET | {"stream"}
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"]):
            assert label in kept, (rule["alert"], label)


def test_rules_are_of_the_form_that_prometheus_reads() -> None:
    known = {"alert", "expr", "for", "labels", "annotations"}
    for rule in rules():
        assert set(rule) <= known
        assert re.fullmatch(r"\d+m", rule.get("for", "1m"))
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_every_expression_can_be_read() -> None:
    assert len(list(expressions())) > 60
    for where, expression in expressions():
        assert used(expression), where


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_what_an_expression_uses_is_found_wherever_it_stands() -> None:
    expression = 'sum by (a) (rate(x_total{b="1"}[5m])) / on (c) max(y) > 1 and absent(z) unless (-w{d!~"q"})'
    assert used(expression) == {
        Used("x_total", frozenset("abc")),
        Used("y", frozenset("c")),
        Used("z", frozenset()),
        Used("w", frozenset("d")),
    }
    with pytest.raises(ValueError, match="parenthesis"):
        used("sum by (a (x)")
