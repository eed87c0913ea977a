"""The JSON schemas of what is answered, by name. Pure data; `openapi.py` uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.events import payloads
from app.ingress import delivery_schemas, operator_schemas
from app.ingress.examples import STORED_HOOK
from app.ingress.jsonschema import JsonSchema, field, page, record

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
    "Health": record("The process is well.", status=field("string", "How.", "ready", enum=["alive", "ready"])),
    "Text": field("string", "Metrics in Prometheus' text format.", "# TYPE ops_events_stored_total counter\n"),
    "Problem": record(
        "What is wrong.",
        code=field("integer", "Always -1 in an error.", -1, const=-1),
        message=field("string", "What is wrong and how to mend it.", "the body is not JSON"),
    ),
    **delivery_schemas.SCHEMAS,
    **operator_schemas.SCHEMAS,
}
