"""What the API finds wrong with an object, by field, and without the values, which may be secrets. Pure.

The API quotes a value that it refuses: `Invalid value: "whsec_…": must be …`. Used by `objects.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from app.errors import FieldProblem
from app.sources.kubernetes.fields import items, table, text

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_PLAIN: Final = re.compile(r"[-+.\w]+")
_WITH_VALUE: Final = re.compile(r"(Invalid|Unsupported|Duplicate) value: |Not found: ")
_BY_SCHEMA: Final = re.compile(r"^\S+ in body ")
_KEY: Final = re.compile(r"\[([^]\d][^]]*)\]")  # of a map
_NO_FIELD: Final = {"", "<nil>"}


def problems_in(status: Mapping[str, Any]) -> list[FieldProblem]:
    """The causes in a Status object by which the API refuses an object; where it names none, its message."""
    causes = [table(cause) for cause in items(table(status.get("details")).get("causes"))]
    found = [_problem(text(cause.get("field")) or "", text(cause.get("message")) or "") for cause in causes]
    return found or [
        FieldProblem("body", unquoted(text(status.get("message")) or "is not taken by the Kubernetes API"))
    ]


def unquoted(message: str) -> str:
    """A message without anything that it quotes."""
    return _QUOTED.sub('"…"', message)


def _problem(field: str, message: str) -> FieldProblem:
    named = "body" if field in _NO_FIELD else _KEY.sub(r".\1", field)
    return FieldProblem(named, _without_value(message) or "is not taken by the Kubernetes API")


def _without_value(message: str) -> str:
    found = _WITH_VALUE.match(message)
    if found is None:
        return message
    why = _BY_SCHEMA.sub("", _behind_value(message[found.end() :]))
    if found[0].startswith("Invalid"):
        return why or "is invalid"
    return f"{found[0].removesuffix(': ').lower()}{why and f': {why}'}"


def _behind_value(rest: str) -> str:
    """What follows a value in Go's quotes, as JSON or as a plain word; nothing where that cannot be told from it."""
    end = _end_of_value(rest)
    return rest[end + 2 :] if rest.startswith(": ", end) else ""


def _end_of_value(rest: str) -> int:
    for form in (_QUOTED, _PLAIN):
        if found := form.match(rest):
            return found.end()
    try:
        return json.JSONDecoder().raw_decode(rest)[1]
    except ValueError:
        return len(rest)
