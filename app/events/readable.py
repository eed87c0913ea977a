r"""An event as text: what keywords are matched against, and what `webhook` and `xiezuo` hooks send.

One line `key: value \n` per field that is not empty; the space before the newline is part of the contract.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.events import subject
from app.events.cloudevent import CloudEvent, compact_json

# Where each line of a type comes from: a key of the data, or `status.` and a key of its status.
_LINES: Final = {
    "Host": ("cluster", "address", "status.hostname", "status.diskUsagePercent", "status.heartStatus"),
    "Cluster": ("cluster", "server", "status.version", "status.certNotAfterDays", "status.heartStatus"),
    "TaskRunReport": ("cluster", "host", "kind", "threshold", "operator", "value", "status", "message", "time"),
}


def text(event: CloudEvent[Any]) -> str:
    """The readable text of an event, whatever its data looks like."""
    data = event.data
    if isinstance(data, str):
        return data
    if isinstance(data, Mapping):
        if event.type == "Kube":
            return _lines(_kube(event.subject or "", data))
        if event.type == "Webhook" and isinstance(data.get("content"), str):
            return str(data["content"])
        if keys := _LINES.get(event.type):
            fields = {"cluster": event.cluster, **data}  # older publishers name the cluster in the envelope only
            return _lines((key.rpartition(".")[2], _lookup(fields, key)) for key in keys)
    return compact_json(data).decode()


def _lines(fields: Iterable[tuple[str, object]]) -> str:
    return "".join([f"{key}: {value} \n" for key, value in fields if value is not None and value != ""])


def _kube(event_subject: str, data: Mapping[str, Any]) -> Iterable[tuple[str, object]]:
    return (
        *subject.named(event_subject),
        ("type", data.get("type")),
        ("reason", data.get("reason")),
        ("timestamp", _local_time(data.get("eventTime"))),
        ("from", data.get("from")),
        ("message", data.get("message")),
    )


def _lookup(data: Mapping[str, Any], path: str) -> object:
    value: object = data
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _local_time(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return dt.datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):  # no time, or one at the end of the calendar
        return value
