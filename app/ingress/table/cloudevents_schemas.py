"""What CloudEvents over HTTP look like on the wire: schemas, and examples of what may be posted. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.events import cloudevent, http
from app.ingress.table.jsonschema import REF, JsonSchema, example_of, field, or_null, record

MOST_EVENTS: Final = 1000  # in a batch

_TIME: Final = "2026-11-23T04:50:41.5Z"
_SUBJECT: Final = "ops.clusters.default.namespaces.ops-system.alerts.disk"
_EVENT: Final[Mapping[str, Any]] = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "/deploy/pipeline/7",
    "type": "com.example.deployed",
    "subject": _SUBJECT,
    "time": _TIME,
    "datacontenttype": "application/json",
    "data": {"version": "1.4.2"},
}
_BYTES: Final = {**_EVENT, "id": "A234-1234-1235", "datacontenttype": "image/png", "data_base64": "iVBORw0KGgo="}
del _BYTES["data"]

_STORED: Final = {
    "id": field("string", "The event's id.", "A234-1234-1234"),
    "subject": field("string", "Its subject.", _SUBJECT),
    "stream": field(["string", "null"], "The stream that keeps it; null: it is not stored.", "ops"),
    "sequence": field(["integer", "null"], "Its place in the stream; null: it is not stored.", 4711),
    "duplicate": field(["boolean", "null"], "It was there already; null: it is not stored.", False),
}
_OF_A_BATCH: Final = record("What became of one event of a batch.", **_STORED)
_FAULT: Final = record(
    "What is wrong with an event of a batch.",
    index=field("integer", "Its place in the batch, from 0.", 3),
    id=field(["string", "null"], "Its id; null where it has none.", "A234-1234-1234"),
    fault=field("string", "What is wrong and how to mend it.", "subject is missing: it says where the event goes"),
)

# Of an error: what it says of the events of a batch.
DETAILS: Final = field(
    "array",
    "Only where a batch of events was posted: with 400, what is wrong with the first 20 of those that are wrong; with"
    " 503, what became of each, in their order.",
    [example_of(_FAULT)],
    items={"anyOf": [_FAULT, _OF_A_BATCH]},
)

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "CloudEvent": {
        **record(
            "An event by CloudEvents 1.0, in its JSON format. Other members are extension attributes, and are kept.",
            specversion=field("string", "Always 1.0.", "1.0", const="1.0"),
            id=field(
                "string",
                "Unique for its source. Sent again within two minutes, it is one event.",
                "A234-1234-1234",
                minLength=1,
                maxLength=cloudevent.LONGEST_ID,
            ),
            source=field("string", "Who made the event: a URI reference.", "/deploy/pipeline/7", minLength=1),
            type=field("string", "What has happened.", "com.example.deployed", minLength=1),
            subject=field("string", "Where the event goes: a NATS subject below `ops.`.", _SUBJECT, pattern=r"^ops\."),
            time=field(["string", "null"], "When it happened, RFC 3339.", _TIME, format="date-time"),
            datacontenttype=field(["string", "null"], "The media type of the data.", "application/json"),
            dataschema=field(["string", "null"], "The schema of the data: a URI.", "https://example.com/deployed.json"),
            data={"description": "Any JSON; kept to the byte.", "examples": [{"version": "1.4.2"}]},
            data_base64=or_null(field("string", "The data instead, where it is no text: Base64.", "iVBORw0KGgo=")),
        ),
        "required": ["specversion", "id", "source", "type", "subject"],
        "examples": [_EVENT],
    }
    | {"additionalProperties": {"type": ["string", "boolean", "integer", "null"]}}
    | {"not": {"required": ["data", "data_base64"]}},
    "CloudEventBatch": field(
        "array",
        "Events by CloudEvents 1.0, in its JSON batch format.",
        [_EVENT],
        items={"$ref": f"{REF}CloudEvent"},
        maxItems=MOST_EVENTS,
    ),
    "CloudEventData": {
        "description": "The data of an event whose attributes stand in `ce-` headers.",
        "examples": [_EVENT["data"]],
    },
    "StoredEvents": {
        "description": "All of it is kept: JetStream has acknowledged it. For a batch, a list in its order.",
        "anyOf": [{"$ref": f"{REF}Stored"}, {"type": "array", "items": {"$ref": f"{REF}Stored"}}],
        "examples": [{**example_of(_OF_A_BATCH)}],
    },
}

# What may be posted, by the name of its schema, each with a name.
BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "CloudEvent": {"JSON data": _EVENT, "bytes": _BYTES},
    "CloudEventBatch": {"two events": [_EVENT, _BYTES], "none": []},
    "CloudEventData": {"JSON data": _EVENT["data"]},
}
MEDIA: Final[Mapping[str, str]] = {
    cloudevent.CONTENT_TYPE: "CloudEvent",
    http.BATCH_TYPE: "CloudEventBatch",
    "*/*": "CloudEventData",
}

_ONLY: Final = "Only where the attributes stand in headers:"
HEADERS: Final[Mapping[str, str]] = {
    "ce-specversion": f"{_ONLY} always 1.0.",
    "ce-id": f"{_ONLY} the event's id.",
    "ce-source": f"{_ONLY} who made the event.",
    "ce-type": f"{_ONLY} what has happened.",
    "ce-subject": f"{_ONLY} where the event goes. Any other attribute has a header of that kind too; what is no"
    " printable ASCII is percent-encoded in UTF-8.",
}
HEADER_EXAMPLES: Final[Mapping[str, str]] = {name: _EVENT[name.removeprefix("ce-")] for name in HEADERS}
