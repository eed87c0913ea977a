"""An event as a document for Elasticsearch: where it goes, under which id, and its lines of a bulk request. Pure.

Used by `elasticsearch.py`; `hooks/rules.py` checks URLs and index names with it.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from app.delivery.delivery import Delivery, Received, Target
from app.events import cloudevent
from app.events.cloudevent import CloudEvent, compact_json

MAX_ID_BYTES: Final = 512  # of a document's id, as Elasticsearch takes it

# In an index's name, each with what the event's day makes of it, in UTC.
_DATES: Final = {
    "{date}": "{0.year:04}.{0.month:02}.{0.day:02}",
    "{YYYY.MM.DD}": "{0.year:04}.{0.month:02}.{0.day:02}",
    "{YYYY-MM-DD}": "{0.year:04}-{0.month:02}-{0.day:02}",
    "{YYYYMMDD}": "{0.year:04}{0.month:02}{0.day:02}",
    "{YYYY.MM}": "{0.year:04}.{0.month:02}",
    "{YYYY-MM}": "{0.year:04}-{0.month:02}",
    "{YYYY}": "{0.year:04}",
}
PLACEHOLDERS: Final = ", ".join(_DATES)

_PLACEHOLDER = re.compile("|".join(re.escape(name) for name in _DATES))
_DOC: Final = "_doc"

# What comes back of each document: the rest of a bulk answer would cost more than the documents.
_WANTED: Final = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL says: `http://host:port[/prefix][/index/_doc[/id]][?query]`."""

    bulk: str  # where bulk requests go
    index: str  # empty: an option must say it
    id: str  # empty: each event has its own


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where documents of several hooks may go together: the same endpoint, as the same user."""

    bulk: str
    authorization: str  # the header; empty: the URL holds the credentials, if there are any


@lru_cache(maxsize=1024)
def place_of(url: str) -> Place:
    parts = urlsplit(url)
    path, index, identifier = [part for part in parts.path.split("/") if part], "", ""
    if _DOC in path:
        here = path.index(_DOC)
        path, index, identifier = path[: max(here - 1, 0)], "".join(path[:here][-1:]), "/".join(path[here + 1 :])
    query = f"{parts.query}&{_WANTED}" if parts.query else _WANTED
    bulk = SplitResult(parts.scheme, parts.netloc, "/".join(["", *path, "_bulk"]), query, "")
    return Place(urlunsplit(bulk), unquote(index), unquote(identifier))


def cluster_of(target: Target) -> Cluster:
    """Where a target's documents go, and as whom. Credentials in the options win over those in the URL."""
    bulk, username = place_of(target.url).bulk, target.options.get("username", "")
    if not username:
        return Cluster(bulk, "")
    credentials = f"{username}:{target.options.get('password', '')}".encode("utf-8", "replace")
    parts = urlsplit(bulk)
    return Cluster(
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        f"Basic {base64.b64encode(credentials).decode()}",
    )


def index_of(template: str, day: dt.date) -> str:
    """An index's name, with the day in the places that ask for it."""
    return _PLACEHOLDER.sub(lambda found: _DATES[found[0]].format(day), template)


def lines_of(delivery: Delivery) -> bytes:
    """A document's part of a bulk request: what is to be done with it, and the document."""
    return b"%s\n%s\n" % (compact_json(_action(delivery)), _document(delivery.received.event))


def _action(delivery: Delivery) -> Mapping[str, Any]:
    """Create it under the event's id, so that a repeat finds it there; under an id that is given the last event stays.

    There the time at which the stream took the event decides which is the last: tries may overtake each other.
    """
    received, options = delivery.received, delivery.target.options
    place = place_of(delivery.target.url)
    index = index_of(options.get("index") or place.index, _day(received))
    if given := options.get("id") or place.id:
        version = {"version": int(received.stored * 1000), "version_type": "external_gte"} if received.stored else {}
        return {"index": {"_index": index, "_id": given, **version}}
    return {"create": {"_index": index, "_id": _own_id(received.event)}}


def _day(received: Received) -> dt.datetime:
    """In UTC; the same at every try, for the index's name, and with it the document's place, hangs on it."""
    with suppress(OverflowError):  # a time at the end of the calendar
        if received.event.time is not None:
            return received.event.time.astimezone(dt.UTC)
    return dt.datetime.fromtimestamp(received.stored or time.time(), dt.UTC)


def _own_id(event: CloudEvent[Any]) -> str:
    fits = len(event.id.encode()) <= MAX_ID_BYTES
    return event.id if fits else cloudevent.deterministic_id("document", event.id)


def _document(event: CloudEvent[Any]) -> bytes:
    """The event's data; what is no JSON object stands as text in the field `data`, whatever its type."""
    data = event.data
    if data is None:
        return b"{}"
    if isinstance(data, Mapping):
        return compact_json(data)
    return compact_json({"data": data if isinstance(data, str) else compact_json(data).decode()})
