"""What an event of the Kubernetes API becomes, of `events.k8s.io/v1` and of the core `v1` alike. Pure.

`event_follower.py` decides which of them are news, and publishes those. The two APIs give the same events under
different names; which one it is shows in the object's fields. No field can be relied on: kubelet writes nulls, and
recorders of many ages write whatever they like.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.events import cloudevent, payloads
from app.events.catalog import KUBE, KUBE_CLUSTER_SCOPED, KUBE_NODE, EventType
from app.sources.kubernetes import fields
from app.sources.kubernetes.change import Object
from app.sources.kubernetes.names import fitting, resource_type

_Row = EventType[payloads.Kube]

_OBSERVATION: Final = {"observation": "events"}


@dataclass(frozen=True, slots=True)
class Observation:
    """One version of an event object, ready to be published."""

    uid: str
    version: str  # resourceVersion; empty where the object has none
    row: _Row
    names: Mapping[str, str]  # for the row's subject template, without `cluster`
    payload: payloads.Kube  # without `cluster`, which publishers fill in
    observed: dt.datetime | None  # the latest observation, UTC; None where the object tells no time at all

    @property
    def at(self) -> float:
        """The latest observation, Unix seconds; 0 where none is told."""
        return self.observed.timestamp() if self.observed else 0.0


def observation_of(event: Object, cluster: str | None = None) -> Observation | None:
    """Read an event object; None for one without a uid, which cannot be told from others."""
    metadata = fields.table(event.get("metadata"))
    uid = fields.text(metadata.get("uid"))
    if not uid:
        return None
    observed = _observed(event, metadata)
    row, names = _subject(fields.table(event.get("regarding")) or fields.table(event.get("involvedObject")))
    payload = payloads.Kube(
        cluster=cluster,
        type=fields.first_text(event, "type"),
        reason=fields.first_text(event, "reason"),
        event_time=observed,
        from_=_reporters(event, metadata),
        message=fields.first_text(event, "note", "message"),
    )
    return Observation(uid, fields.spelled(metadata.get("resourceVersion")) or "", row, names, payload, observed)


def event_id(cluster: str, uid: str, version: str, *, deleted: bool = False) -> str:
    """The id of what happened to an object: the same from every replica, and after every restart.

    Of a deletion it does not depend on the version. An object is deleted once, and only who watched that knows its
    version: who finds the object missing from a list does not.
    """
    return cloudevent.deterministic_id(cluster, uid, "deleted" if deleted else version)


def _observed(event: Object, metadata: Mapping[str, Any]) -> dt.datetime | None:
    """When it was last observed. A repeated event moves its series or its last timestamp; `eventTime` stays."""
    told = (
        fields.table(event.get("series")).get("lastObservedTime"),
        event.get("deprecatedLastTimestamp"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
    )
    times = [time for time in map(fields.moment, told) if time is not None]
    return max(times) if times else fields.moment(metadata.get("creationTimestamp"))


def _subject(regarded: Mapping[str, Any]) -> tuple[_Row, dict[str, str]]:
    kind, name, namespace = (regarded.get(key) for key in ("kind", "name", "namespace"))
    named = fitting(name) if isinstance(name, str) else ""
    if kind == "Node" and "/" not in str(regarded.get("apiVersion")):  # the core group's, whatever namespace is written
        return KUBE_NODE, {"node": named, **_OBSERVATION}
    names = {"resource_type": resource_type(kind if isinstance(kind, str) else ""), "name": named, **_OBSERVATION}
    if isinstance(namespace, str) and namespace:
        return KUBE, {"namespace": fitting(namespace), **names}
    return KUBE_CLUSTER_SCOPED, names


def _reporters(event: Object, metadata: Mapping[str, Any]) -> str | None:
    """Who has written the event, each once and the first to write first; else who it says reports."""
    entries = map(fields.table, fields.items(metadata.get("managedFields")))
    managers = dict.fromkeys(manager for entry in entries if (manager := fields.text(entry.get("manager"))))
    return (
        ", ".join(managers)
        or fields.first_text(event, "reportingController", "reportingComponent")
        or fields.first_text(fields.table(event.get("deprecatedSource")), "component")
        or fields.first_text(fields.table(event.get("source")), "component")
    )
