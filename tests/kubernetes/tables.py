"""Tables, which kubectl asks for: a list as its columns, laid out by the server. For custom resources that are defined.

Others are answered as lists, of which kubectl shows names and ages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tests.kubernetes.calls import Call
from tests.kubernetes.definitions import Definition
from tests.kubernetes.kinds import JSON, Object

_NAME: Final = {"name": "Name", "type": "string", "format": "name", "jsonPath": ".metadata.name"}
_STEP: Final = re.compile(r'\.(?P<field>[\w-]+)|\[\?\(@\.(?P<where>\w+)==[\'"](?P<value>[^\'"]*)[\'"]\)\]')
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def is_wanted(call: Call) -> bool:
    return "as=Table" in call.headers.get("Accept", "")


def table(definition: Definition, metadata: JSON, texts: Sequence[bytes]) -> bytes:
    """The objects, given as the API writes them, as a Table."""
    columns = (_NAME, *definition.columns)
    shown = ("name", "type", "format", "description", "priority")
    heads = [{"format": "", "description": "", "priority": 0} | {n: c[n] for n in shown if n in c} for c in columns]
    rows = [_row(columns, json.loads(text)) for text in texts]
    document = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return json.dumps(document | {"columnDefinitions": heads, "rows": rows}).encode() + b"\n"


def _row(columns: Sequence[JSON], shown: JSON) -> Object:
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": shown["metadata"]}
    return {"cells": [_cell(column, shown) for column in columns], "object": partial}


def _cell(column: JSON, shown: JSON) -> Any:
    value: Any = shown
    for step in _STEP.finditer(column["jsonPath"]):
        value = _step(value, step)
    if column["type"] == "date" and value is not None:
        return _age(value)
    return value


def _step(value: Any, step: re.Match[str]) -> Any:
    if step["field"]:
        return value.get(step["field"]) if isinstance(value, dict) else None
    return next((item for item in value or () if item.get(step["where"]) == step["value"]), None)


def _age(time: str) -> str:
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
    return next((f"{seconds // size}{unit}" for unit, size in _UNITS if seconds >= size), "0s")
