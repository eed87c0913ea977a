"""The AsyncAPI document that `just docs` writes is one by the specification's own schema, and always the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final = json.loads((ROOT / "tests/data/asyncapi/3.0.0.json").read_text())


def write(file: Path, seed: int) -> str:
    """The document as a process of its own writes it, whose sets have an order of their own."""
    faststream = Path(sys.executable).parent / "faststream"
    environment = {"PATH": os.environ["PATH"], "HOME": str(file.parent), "PYTHONHASHSEED": str(seed)}
    command = (faststream, "docs", "gen", "app.main:app", "--app-dir", ROOT, "--out", file)
    subprocess.run(command, env=environment, cwd=file.parent, check=True, timeout=60)
    return file.read_text()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("asyncapi")
    return write(folder / "one.json", 1), write(folder / "other.json", 2)


@pytest.fixture(scope="module")
def document(written: tuple[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written[0])
    return found


def faults(document: Any) -> list[str]:
    return [f"{fault.json_path}: {fault.message}" for fault in validator_for(SCHEMA)(SCHEMA).iter_errors(document)]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert faults(document) == []


@pytest.mark.parametrize("part", ["asyncapi", "info"])
def test_a_document_without_a_part_is_not(document: dict[str, Any], part: str) -> None:
    assert faults({name: value for name, value in document.items() if name != part})


def test_two_processes_write_the_same_bytes(written: tuple[str, str]) -> None:
    one, other = written
    assert one == other


def test_each_example_is_valid_by_the_schema_of_its_message(document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    assert messages
    for name, message in messages.items():
        schema = {"components": document["components"], "$ref": message["payload"]["$ref"]}
        for example in message["examples"]:
            told = [fault.message for fault in Draft202012Validator(schema).iter_errors(example["payload"])]
            assert not told, name
