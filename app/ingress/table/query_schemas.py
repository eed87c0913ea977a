"""The JSON schemas of what the stream holds. Part of `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.ingress.table.jsonschema import JsonSchema, example_of, extended, field, page, record

_SUBJECT: Final = "ops.clusters.default.namespaces.ops-system.pods.web-0.events"
_TIME: Final = "2026-11-23T04:50:41.125Z"
_EVENT: Final = {
    "specversion": "1.0",
    "id": "5d9a3d6e-7a4f-5a53-9f2e-0c1b7a1c2d3e",
    "source": "https://github.com/shaowenchen/ops",
    "type": "Kube",
    "subject": _SUBJECT,
    "time": "2026-11-23T04:50:41Z",
    "datacontenttype": "application/json",
    "cluster": "default",
    "data": {"cluster": "default", "type": "Warning", "reason": "BackOff", "message": "Back-off restarting"},
}
_STORED: Final = record(
    "An event as the stream keeps it.",
    subject=field("string", "The subject that it was published to.", _SUBJECT),
    sequence=field("integer", "Its place in the stream.", 4711, minimum=1),
    time=field("string", "When the stream took it, RFC 3339, UTC.", _TIME, format="date-time"),
    event=field(
        "object",
        "The CloudEvent, to the byte where it was published as structured JSON; in binary mode it is put into the"
        " envelope. A message that is no CloudEvent is `{raw}`, its text, or `{raw_base64}`, where that is no UTF-8."
        " Where the page would become too large, the older events are `{omitted_bytes}`: ask for one alone, with its"
        " `sequence` as `first_sequence` and `last_sequence`.",
        _EVENT,
        additionalProperties=True,
    ),
)
_COMPLETE: Final = (
    "Whether everything between the bounds that were given was looked at. `type` and `search` look at the newest events"
    " first, for 2 s and at about 200,000 of them: where it is false, `total` and the pages are of those since"
    " `first_sequence`, and a request with `last_sequence` below that goes on."
)
_SUBJECTS: Final = record(
    "One page of the subjects in the stream.",
    page_size=field("integer", "Most items on a page.", 10),
    page=field("integer", "Which page this is, from 1.", 1),
    list=field("array", "The subjects of this page, sorted.", [_SUBJECT], items={"type": "string"}),
    total=field("integer", "Subjects on all pages.", 1),
    complete=field("boolean", "False: the stream has more subjects than are listed, which is 500,000.", True),
)

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "SubjectPage": _SUBJECTS,
    "StoredEvent": _STORED,
    "EventPage": extended(
        page("events", "newest first", "StoredEvent", example_of(_STORED)),
        complete=field("boolean", _COMPLETE, True),
        first_sequence=field("integer", "The place in the stream from which on events were looked at.", 4000),
        last_sequence=field("integer", "The place up to which they were; what arrived later is not counted.", 4711),
    ),
}
