"""Composing an event: a row of the catalog, a payload and names become the message that is published. Pure.

Called by `sources/publish.py` for what code publishes. What is posted over HTTP is kept to the byte, and so becomes an
event in `ingress/publish.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from app.events import cloudevent, subject
from app.events.catalog import EventType, P
from app.events.cloudevent import CloudEvent
from app.events.payloads import ClusterPayload, Custom
from app.events.trace_context import TraceContext

Extension = str | bool | int  # the value of an extension attribute: those of CloudEvents that JSON tells apart

_EXTENSION = re.compile(r"[a-z0-9]{1,20}")  # CloudEvents allows more characters, and warns of it
_TAKEN: Final = frozenset({*CloudEvent.model_fields, "dataschema"})
_INTEGERS: Final = range(-(2**31), 2**31)  # those of CloudEvents


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an envelope says beside what the row, the names and the payload give."""

    cluster: str
    id: str | None = None  # a random one is made where there is none
    time: dt.datetime | None = None  # when it happened; now where there is none
    extensions: Mapping[str, Extension] | None = None


class Composed(NamedTuple):
    """An event as it goes over the wire."""

    id: str
    subject: str
    payload: bytes
    headers: dict[str, str]
    type: str = ""
    trace: TraceContext | None = None  # of its making, where it says one


def compose(row: EventType[P], payload: P, names: Mapping[str, str], attributes: Attributes) -> Composed:
    """Make an event of a row. A payload that leaves out its `cluster` gets that of the attributes.

    Raises:
        InvalidSubjectError: a name is missing or unknown, or the subject would be too long.
        ValueError: an id, a time or an extension attribute that no event can have.
        TypeError: a payload that is not the row's.
    """
    if not isinstance(payload, row.payload):
        raise TypeError(f"a {row.channel} event carries a {row.payload.__name__}, not a {type(payload).__name__}")
    identity, destination = _id(attributes.id), _subject(row, names, attributes.cluster)
    event_type = _type(row, payload)
    # Not a CloudEvent: each of these is as it has to be, and to look at them all again takes as long as all the rest.
    event = {
        "specversion": "1.0",
        "id": identity,
        "source": cloudevent.SOURCE,
        "type": event_type,
        "subject": destination,
        "datacontenttype": cloudevent.JSON_TYPE,
        "time": _time(attributes.time),
        "cluster": attributes.cluster,
        **_extensions(attributes.extensions or {}),
        "data": _data(payload, attributes.cluster),
    }
    return Composed(identity, destination, cloudevent.compact_json(event), cloudevent.headers(identity), event_type)


def _id(given: str | None) -> str:
    if given is None:
        return cloudevent.random_id()
    return cloudevent.check_id(given)


def _subject(row: EventType[Any], names: Mapping[str, str], cluster: str) -> str:
    if names.keys() != _wanted(row):
        missing = [f"{name} is missing" for name in row.names if name not in names]
        unknown = [f"{name} is unknown" for name in names if name not in row.names]
        raise subject.InvalidSubjectError(
            f"a {row.channel} event needs the names {', '.join(row.names)}: {', '.join((*missing, *unknown))}"
        )
    return _filled(row.subject, cluster, tuple(names.items()))


@lru_cache(maxsize=8192)  # events repeat the names of a few thousand objects
def _filled(template: str, cluster: str, names: tuple[tuple[str, str], ...]) -> str:
    return subject.fill(template, {**dict(names), "cluster": cluster})


@lru_cache
def _wanted(row: EventType[Any]) -> frozenset[str]:
    return frozenset(row.names)


def _type(row: EventType[Any], payload: BaseModel) -> str:
    named = payload.type if isinstance(payload, Custom) else None
    return named if isinstance(named, str) and named else row.ce_type


def _time(given: dt.datetime | None) -> dt.datetime:
    if given is None:
        return cloudevent.now()
    if given.utcoffset() is None:
        raise ValueError(f"the time {given.isoformat()} has no zone: use an aware datetime")
    return given.astimezone(dt.UTC)


def _data(payload: BaseModel, cluster: str) -> BaseModel:
    if isinstance(payload, ClusterPayload) and payload.cluster is None:
        return payload.model_copy(update={"cluster": cluster})
    return payload


def _extensions(given: Mapping[str, Extension]) -> Mapping[str, Any]:
    for name, value in given.items():
        if not _EXTENSION.fullmatch(name):
            raise ValueError(f"the extension attribute {name!r}: use 1 to 20 lower-case letters and digits")
        if name in _TAKEN:
            raise ValueError(f"the extension attribute {name!r} has the name of one that is no extension")
        if not (value in _INTEGERS if isinstance(value, int) else isinstance(value, str)):
            raise ValueError(f"the extension attribute {name!r} is {value!r}: use a text, a boolean or 32-bit integer")
    return given
