"""What the server makes of an object that is written: its metadata, its generation, its form. Pure but for the clock.

Used by `store.py`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from tests.kubernetes.event_forms import IS_EVENT, as_shown, as_stored
from tests.kubernetes.kinds import JSON, Kind, Object

_METADATA: Final = (  # in the order of the server's type
    *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers"),
    "managedFields",
)
_SERVERS: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
)  # not the client's
_TYPE: Final = ("kind", "apiVersion")


def copied(value: JSON) -> Object:
    copy: Object = json.loads(json.dumps(value))
    return copy


def encoded(kind: Kind, stored: JSON) -> bytes:
    """As the API writes it: custom resources by the alphabet, with their type; others in the order of their type."""
    document = as_shown(kind, stored) if kind in IS_EVENT else stored
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, sort_keys=kind.custom).encode()


def shown(kind: Kind, stored: JSON) -> Object:
    """A copy of the object, as the API gives it by itself."""
    return copied(kind.type | (as_shown(kind, stored) if kind in IS_EVENT else dict(stored)))


def key_of(namespace: str, name: str) -> str:
    """Objects are listed in the order of these."""
    return f"{namespace}/{name}"


def created(kind: Kind, given: JSON, version: int) -> Object:
    """A new object as it is stored. What the server would set (uid, time, managers) is kept where it is given."""
    metadata: Object = {"namespace": "default", "uid": str(uuid4()), "creationTimestamp": timestamp()}
    metadata |= ({"generation": 1} if kind.custom else {}) | dict(given["metadata"])
    return _stored(kind, given, metadata, version)


def updated(kind: Kind, current: JSON, given: JSON, version: int) -> Object | None:
    """The object after it was replaced; None: it is the same as before, and no new version comes of it."""
    before = current["metadata"]
    metadata = {"managedFields": before.get("managedFields")} | dict(given["metadata"])
    metadata |= {name: before[name] for name in _SERVERS if name in before}
    if kind.custom and _wanted(given) != _wanted(current):
        metadata["generation"] = before["generation"] + 1
    after = _stored(kind, given, metadata, version)
    return None if _content(after) == _content(current) else after


def managed(manager: str, kind: Kind, given: JSON, subresource: str = "") -> Object:
    """An entry of `managedFields`: who wrote the object, and which fields of it."""
    entry: Object = {"manager": manager, "operation": "Update", "apiVersion": kind.api_version, "time": timestamp()}
    fields = {name: value for name, value in given.items() if name not in {*_TYPE, "metadata"}}
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": {f"f:{name}": _fields(value) for name, value in fields.items()}}
    return entry | ({"subresource": subresource} if subresource else {})


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fields(value: Any) -> Object:
    if not isinstance(value, dict) or not value:
        return {}
    return {".": {}} | {f"f:{name}": _fields(inner) for name, inner in value.items()}


def _stored(kind: Kind, given: JSON, metadata: Object, version: int) -> Object:
    if metadata.get("managedFields") is None:
        metadata["managedFields"] = [managed("kubectl-create", kind, given)]
    metadata["resourceVersion"] = str(version)
    ordered = {name: metadata[name] for name in _METADATA if metadata.get(name) is not None}
    content = {name: value for name, value in given.items() if name not in {*_TYPE, "metadata"}}
    stored = copied((kind.type if kind.custom else {}) | {"metadata": ordered} | content)
    return as_stored(kind, stored) if kind in IS_EVENT else stored


def _wanted(value: JSON) -> Object:
    """What somebody wants of it, of which the generation is counted."""
    return {name: part for name, part in value.items() if name not in {*_TYPE, "metadata", "status"}}


def _content(value: JSON) -> Object:
    """Without what changes with every write."""
    kept = {name: part for name, part in value["metadata"].items() if name not in {"resourceVersion", "managedFields"}}
    return {**value, "metadata": kept}
