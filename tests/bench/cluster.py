"""The events of a cluster that is watched, as its API server keeps them: kubelet's, of a thousand pods. Pure.

`apiserver.py` serves them. Their form is that of `tests/data/kubernetes/events-list.json`; the message carries a
number and when it was sent, which come out on the stream unchanged.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final

from tests.bench.events import OBJECTS, mark

NAMESPACE: Final = "bench"

_FIRST_VERSION: Final = 1_000_000  # resourceVersion of the event with number 0; each number has one of its own

_OWNED: Final = (
    *("count", "firstTimestamp", "involvedObject", "lastTimestamp", "message"),
    *("reason", "reportingComponent", "reportingInstance", "source", "type"),
)


def version_of(number: int) -> str:
    """The resourceVersion that an observation makes of its event."""
    return str(_FIRST_VERSION + number)


def listed(number: int, observed: float) -> bytes:
    """An event as an item of a list.

    Args:
        number: Of the event, and of its only observation.
        observed: Unix seconds.
    """
    return _json(_event(number, number, observed, 0))


def updated(which: int, number: int, observed: float, sent: int) -> bytes:
    """A line of a watch: a listed event has been observed again.

    Args:
        which: Number of the event.
        number: Of the observation; each has its own.
        observed: Unix seconds.
        sent: Nanoseconds.
    """
    typed = {"kind": "Event", "apiVersion": "events.k8s.io/v1"}
    return _json({"type": "MODIFIED", "object": typed | _event(which, number, observed, sent)}) + b"\n"


def bookmark(kind: str, api_version: str, version: str) -> bytes:
    """A line of a watch: there was no other change up to this version."""
    metadata = {"resourceVersion": version, "creationTimestamp": None}
    thing = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
    return _json({"type": "BOOKMARK", "object": thing}) + b"\n"


def _event(which: int, number: int, observed: float, sent: int) -> dict[str, Any]:
    pod, node = f"web-{which % OBJECTS}", f"ip-10-0-0-{which % 16}.ec2.internal"
    first, last = _time(observed - 3600), _time(observed)
    return {
        "metadata": {
            "name": f"{pod}.{which:016x}",
            "namespace": NAMESPACE,
            "uid": _uid(which),
            "resourceVersion": version_of(number),
            "creationTimestamp": first,
            "managedFields": [_written_by("kubelet", last)],
        },
        "eventTime": None,
        "reportingController": "kubelet",
        "reportingInstance": node,
        "reason": "BackOff",
        "regarding": {
            "kind": "Pod",
            "namespace": NAMESPACE,
            "name": pod,
            "uid": _uid(which % OBJECTS),
            "apiVersion": "v1",
            "resourceVersion": version_of(which),
            "fieldPath": "spec.containers{web}",
        },
        "note": f"Back-off restarting failed container web in pod {pod}_{NAMESPACE} {mark(number, sent)}",
        "type": "Warning",
        "deprecatedSource": {"component": "kubelet", "host": node},
        "deprecatedFirstTimestamp": first,
        "deprecatedLastTimestamp": last,
        "deprecatedCount": 1 + number // OBJECTS,
    }


def _written_by(manager: str, time: str) -> dict[str, Any]:
    fields: dict[str, Any] = {f"f:{name}": {} for name in _OWNED}
    fields["f:source"] = {"f:component": {}, "f:host": {}}
    about = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": time}
    return {**about, "fieldsType": "FieldsV1", "fieldsV1": fields}


def _uid(number: int) -> str:
    return f"5b0a8a2c-7b0e-4b0e-8b0e-{number:012x}"


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
