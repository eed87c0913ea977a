"""Which objects a request means: those of its namespace that its field and label selectors fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.kubernetes import statuses
from tests.kubernetes.calls import Call
from tests.kubernetes.event_forms import IS_EVENT, as_shown
from tests.kubernetes.kinds import CORE_EVENTS, JSON, Kind, Object
from tests.kubernetes.statuses import RefusedError
from tests.kubernetes.store import Revision

_TERM: Final = re.compile(r"(?P<name>[^=!,]+)(?P<operator>==?|!=)(?P<value>[^=!,]*)")
_OBJECT: Final = {"metadata.name", "metadata.namespace"}
_EVENT: Final = {
    *("reason", "reportingComponent", "source", "type"),
    *(
        f"involvedObject.{name}"
        for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    ),
}

_Test = Callable[[Object], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    namespace: str
    tests: tuple[_Test, ...] = ()

    @property
    def selects(self) -> bool:
        return bool(self.tests)

    def __call__(self, revision: Revision) -> bool:
        if self.namespace and revision.stored["metadata"]["namespace"] != self.namespace:
            return False
        return all(test(revision.stored) for test in self.tests)


def selector(kind: Kind, call: Call) -> Selector:
    """What the request selects.

    Raises:
        RefusedError: it selects by what it cannot.
    """
    fields = [_by_field(kind, *term) for term in _terms(call.query.get("fieldSelector", ""))]
    labels = [_by_label(*term) for term in _terms(call.query.get("labelSelector", ""))]
    return Selector(call.namespace, (*fields, *labels))


def _terms(text: str) -> list[tuple[str, str, str]]:
    terms = [(term, _TERM.fullmatch(term)) for term in text.split(",") if term]
    if unclear := [term for term, match in terms if match is None]:
        raise RefusedError(statuses.bad_request(f"unable to parse requirement: {unclear[0]}"))
    return [(match["name"], match["operator"], match["value"]) for _, match in terms if match is not None]


def _by_field(kind: Kind, name: str, operator: str, value: str) -> _Test:
    if name not in _OBJECT | (_EVENT if kind in IS_EVENT else set()):
        raise RefusedError(statuses.bad_request(f"field label not supported: {name}"))

    def fits(stored: Object) -> bool:
        shown = as_shown(CORE_EVENTS, stored) if name in _EVENT else stored
        return (_value(shown, name) == value) is (operator != "!=")

    return fits


def _by_label(name: str, operator: str, value: str) -> _Test:
    def fits(stored: Object) -> bool:
        return ((stored["metadata"].get("labels") or {}).get(name) == value) is (operator != "!=")

    return fits


def _value(shown: JSON, name: str) -> Any:
    value: Any = shown
    for part in name.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value.get("component", "") if isinstance(value, dict) else value
