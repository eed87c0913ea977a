"""The JSON schemas of what is answered, by name. Pure data; `openapi.py` uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.events import payloads
from app.ingress.table import (
    cloudevents_schemas,
    delivery_schemas,
    notification_schemas,
    operator_schemas,
    query_schemas,
    tail_schemas,
)
from app.ingress.table.examples import STORED_HOOK
from app.ingress.table.jsonschema import JsonSchema, example_of, field, page, record

_WATCH: Final = record(
    "A watch of the Kubernetes API.",
    name=field("string", "What is watched.", "Hosts"),
    live=field("boolean", "What happens there is told as it happens.", True),
    trouble=field(["string", "null"], "Why it is not live.", None),
    seconds=field("number", "Since when it is so, in seconds.", 812.4),
    heard_seconds_ago=field(["number", "null"], "When the API was last heard on it; null: never.", 3.1),
)

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "Custom": payloads.Custom.model_json_schema(),
    "Stored": record(
        "The event is kept: JetStream has acknowledged it.",
        id=field("string", "The event's id.", "5d9a3d6e-7a4f-5a53-9f2e-0c1b7a1c2d3e"),
        subject=field("string", "Its subject.", "ops.clusters.default.namespaces.ops-system.alerts.disk"),
        stream=field("string", "The stream that keeps it.", "ops"),
        sequence=field("integer", "Its place in the stream.", 4711),
        duplicate=field("boolean", "It was there already: this was a repeat.", False),
    ),
    "HookPage": page("hooks", "by name", "Hook", STORED_HOOK),
    "Nothing": field("null", "It is done; there is nothing to tell.", None),
    "Alive": record("The process lives.", status=field("string", "Always alive.", "alive", const="alive")),
    "Ready": record(
        "The process can take and deliver events.",
        status=field("string", "Always ready.", "ready", const="ready"),
        watches=field("array", "How each watch of Kubernetes is.", [example_of(_WATCH)], items=_WATCH),
    ),
    "Text": field("string", "Metrics in Prometheus' text format.", "# TYPE ops_events_stored_total counter\n"),
    "Problem": {
        **record(
            "What is wrong.",
            code=field("integer", "Always -1 in an error.", -1, const=-1),
            message=field("string", "What is wrong and how to mend it.", "the body is not JSON"),
            data=cloudevents_schemas.DETAILS,
        ),
        "required": ["code", "message"],
    },
    **cloudevents_schemas.SCHEMAS,
    **delivery_schemas.SCHEMAS,
    **notification_schemas.SCHEMAS,
    **operator_schemas.SCHEMAS,
    **query_schemas.SCHEMAS,
    **tail_schemas.SCHEMAS,
}
