"""The values for NATS' chart say what the files say that the tests start: they include them, and agree beside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

NATS = Path(__file__).parents[2] / "deploy" / "nats"
PAIRS = {"values.yaml": "hub.conf", "values-edge.yaml": "edge.conf"}


def values(name: str) -> Any:
    return yaml.safe_load((NATS / name).read_text())


def included(value: Any) -> Iterator[str]:
    """The files of ours that the chart's configuration includes."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key.endswith("$include"):
            yield Path(inner).name
        yield from included(inner)


def settings(text: str, name: str) -> set[str]:
    """What a file says of a setting, as text without quotes."""
    return {found.strip().strip('"') for found in re.findall(rf"^\s*{name}: (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize(("chart", "file"), PAIRS.items())
def test_both_include_the_same_files_and_those_are_there(chart: str, file: str) -> None:
    of_file = set(re.findall(r'include "(.*)"', (NATS / file).read_text()))
    assert set(included(values(chart))) == of_file
    assert all((NATS / name).is_file() for name in of_file)


@pytest.mark.parametrize(("chart", "file"), PAIRS.items())
def test_both_name_every_password_that_the_accounts_want(chart: str, file: str) -> None:
    wanted = set(re.findall(r"\$(NATS_\w+)", (NATS / "accounts.conf").read_text()))
    if chart == "values-edge.yaml":
        wanted -= {"NATS_EDGE1_PASSWORD"}  # of the hub: an edge leaves that user out
    assert wanted <= set(values(chart)["container"]["env"])


def test_the_hub_has_three_servers_and_the_same_words_for_edges() -> None:
    told, text = values("values.yaml")["config"], (NATS / "hub.conf").read_text()
    assert told["cluster"]["replicas"] == 3
    assert {told["jetstream"]["merge"]["domain"]} == settings(text, "domain")
    assert settings(text, "no_advertise") == {"true"}
    assert told["leafnodes"]["merge"]["no_advertise"]
    assert all(part["tls"]["merge"]["verify"] for part in (told["nats"], told["cluster"], told["leafnodes"]))


def test_an_edge_keeps_to_itself_what_it_does_in_the_file() -> None:
    [remote] = values("values-edge.yaml")["config"]["merge"]["leafnodes"]["remotes"]
    text = (NATS / "edge.conf").read_text()
    for direction in ("deny_imports", "deny_exports"):
        [line] = settings(text, direction)
        assert remote[direction] == yaml.safe_load(line)
    assert {remote["account"]} == settings(text, "account")
