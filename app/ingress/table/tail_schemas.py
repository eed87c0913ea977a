"""What the OpenAPI document says of the live tail. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.ingress.table.jsonschema import JsonSchema, field

PATH_PARAMETERS: Final = {
    "filter": (
        "A filter over subjects: `*` stands for one token, a last `>` for one or more.",
        "ops.clusters.*.namespaces.*.pods.*.events",
    )
}
HEADER_EXAMPLES: Final = {"Last-Event-ID": "4711"}

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "EventStream": field(
        "string",
        "Server-sent events. Each event of the stream comes without a name: `id` is its place in the stream, `data` is"
        " `{subject, sequence, time, event}` in one line. Besides there are, each with a `message` in its `data`: `gap`"
        " (`first`, `last`: events that were asked for and are not kept any more), and as the last one `dropped` (the"
        " client reads too slowly, or has lost the right to read) or `shutdown` (the server ends), with the"
        " `last_event_id` to resume behind. Where there has been nothing for 15 s, a comment comes; an `id`"
        " without `data` moves the place to resume behind.",
        "retry: 2000\nid: 4710\n\n"
        'id: 4711\ndata: {"subject":"ops.clusters.default.namespaces.ops-system.alerts.disk","sequence":4711,'
        '"time":"2026-11-23T04:50:41.125Z","event":{"specversion":"1.0","id":"5d9a3d6e-7a4f-5a53-9f2e-0c1b7a1c2d3e",'
        '"source":"https://github.com/shaowenchen/ops","type":"Default","data":{"message":"disk is full"}}}\n\n',
    )
}
