"""The two forms of an event: `events.k8s.io/v1` and core `v1` show the same objects, each with its own field names.

An event is stored in the first form. Both are typed in the server, so that a field which nobody set is there as null,
`{}` or "" in one form and left out in the other, always in the order of the server's own types. Used by `objects.py`.
"""

from __future__ import annotations

from typing import Any, Final

from tests.kubernetes.kinds import CORE_EVENTS, EVENTS, JSON, Kind, Object

_LEFT_OUT: Final = object()  # where nobody set it

_EVENT: Final[dict[str, Any]] = {
    "eventTime": None,
    "series": _LEFT_OUT,
    "reportingController": _LEFT_OUT,
    "reportingInstance": _LEFT_OUT,
    "action": _LEFT_OUT,
    "reason": _LEFT_OUT,
    "regarding": {},
    "related": _LEFT_OUT,
    "note": _LEFT_OUT,
    "type": _LEFT_OUT,
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
    "deprecatedCount": _LEFT_OUT,
}

_CORE_EVENT: Final[dict[str, Any]] = {
    "involvedObject": {},
    "reason": _LEFT_OUT,
    "message": _LEFT_OUT,
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "count": _LEFT_OUT,
    "type": _LEFT_OUT,
    "eventTime": None,
    "series": _LEFT_OUT,
    "action": _LEFT_OUT,
    "related": _LEFT_OUT,
    "reportingComponent": "",
    "reportingInstance": "",
}

_CORE_NAMES: Final = {
    "reportingController": "reportingComponent",
    "regarding": "involvedObject",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_NAMES: Final = {core: name for name, core in _CORE_NAMES.items()}

IS_EVENT: Final = frozenset({EVENTS, CORE_EVENTS})


def as_stored(kind: Kind, event: JSON) -> Object:
    """The event in the form of `events.k8s.io/v1`, given in the form of the kind."""
    named = {_NAMES.get(name, name): value for name, value in event.items()} if kind == CORE_EVENTS else event
    return _typed(named, _EVENT)


def as_shown(kind: Kind, stored: JSON) -> Object:
    """A stored event in the form of the kind."""
    if kind == EVENTS:
        return dict(stored)
    return _typed({_CORE_NAMES.get(name, name): value for name, value in stored.items()}, _CORE_EVENT)


def _typed(event: JSON, fields: JSON) -> Object:
    values = {name: event.get(name) or default for name, default in fields.items()}
    return {"metadata": event["metadata"]} | {name: value for name, value in values.items() if value is not _LEFT_OUT}
