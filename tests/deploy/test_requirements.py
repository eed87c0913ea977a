"""The two lists of packages: what CI installs, and what of it the image holds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.dockerfile import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FILES = ("requirements.txt", "deploy/requirements.txt", "deploy/requirements-build.txt")


@cache
def pinned(file: str) -> dict[str, str]:
    """Each package with its version, its marker and its hashes, as the file has them."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / file).read_text().strip())
    return {str(canonicalize_name(re.split(r"[=\[; ]", entry)[0])): entry.strip() for entry in entries}


def needed(names: Iterable[str]) -> set[str]:
    """These packages and all that they need here, by what is installed."""
    found: dict[str, None] = {}
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        key = str(requirement)
        if key in found or not _applies(requirement, ""):
            continue
        found[key] = None
        for text in metadata.requires(requirement.name) or ():
            inner = Requirement(text)
            if any(_applies(inner, extra) for extra in ("", *requirement.extras)):
                waiting.append(Requirement(_without_marker(inner)))
    return {str(canonicalize_name(Requirement(key).name)) for key in found}


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _without_marker(requirement: Requirement) -> str:
    return f"{requirement.name}[{','.join(requirement.extras)}]" if requirement.extras else requirement.name


@pytest.mark.parametrize("file", FILES)
def test_every_package_is_pinned_to_its_hashes_and_to_no_place(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE), "an option, such as an index"
    assert "://" not in text
    assert all(re.search(r"==\S+", entry) and "--hash=sha256:" in entry for entry in pinned(file).values())


def test_the_image_holds_the_very_packages_that_the_tests_ran_with() -> None:
    everything = pinned("requirements.txt")
    assert pinned("deploy/requirements.txt")
    assert {name: everything.get(name) for name in pinned("deploy/requirements.txt")} == pinned(
        "deploy/requirements.txt"
    )


def test_the_image_holds_what_the_app_needs_and_no_more() -> None:
    wanted = needed(PROJECT["project"]["dependencies"])
    elsewhere = {name for name, entry in pinned("deploy/requirements.txt").items() if not _applies(_entry(entry), "")}
    assert set(pinned("deploy/requirements.txt")) - elsewhere == wanted


def test_no_tool_of_development_is_in_the_image() -> None:
    tools = {str(canonicalize_name(Requirement(text).name)) for text in PROJECT["dependency-groups"]["dev"]}
    runtime = needed(PROJECT["project"]["dependencies"])
    assert tools - runtime
    assert not (tools - runtime) & set(pinned("deploy/requirements.txt"))


def test_what_builds_the_image_is_not_in_it() -> None:
    assert set(pinned("deploy/requirements-build.txt")) == {"setuptools"}
    assert "setuptools" not in pinned("deploy/requirements.txt")


def _entry(entry: str) -> Requirement:
    return Requirement(entry.split("\\", maxsplit=1)[0].strip())
