"""The JSON schemas of what is told of deliveries: attempts, dead letters, statistics. Part of `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.delivery.letters import MOST
from app.ingress.table.jsonschema import (
    REF,
    JsonSchema,
    closed,
    example_of,
    extended,
    field,
    optional,
    or_null,
    page,
    record,
)

_TIME: Final = "2026-11-23T04:50:41.125Z"
_DELIVERY: Final = "9f86d081884c7d659a2feaa0c55ad015"
_EVENT_ID: Final = "5d9a3d6e-7a4f-5a53-9f2e-0c1b7a1c2d3e"
_SUBJECT: Final = "ops.clusters.default.namespaces.ops-system.alerts.disk"
_OUTCOMES: Final = ["delivered", "try_later", "busy", "refused", "gone", "impossible"]

_DELIVERED_TO: Final[Mapping[str, JsonSchema]] = {
    "delivery": field("string", "The delivery, as the receiver sees it in `webhook-id`.", _DELIVERY),
    "event": field("string", "The event's id.", _EVENT_ID),
    "subject": field("string", "The event's subject.", _SUBJECT),
    "sequence": field("integer", "The event's place in the stream `ops`; 0 where that is not known.", 4711),
}
_STATUS: Final = field(["integer", "null"], "The HTTP status, where there was an answer.", 503)
_REPLAY: Final = field("string", "The replay that brought it; empty where none did.", "")

_ATTEMPT: Final = record(
    "One attempt at a delivery, as the ledger keeps it. Secrets of the target are masked.",
    id=field("string", "Its place in the ledger.", "815-0"),
    at=field("string", "When it began, RFC 3339, UTC.", _TIME, format="date-time"),
    **_DELIVERED_TO,
    attempt=field("integer", "Which attempt at this delivery, from 1.", 1),
    outcome=field(
        "string",
        "How it went. `try_later`: the endpoint is away or in trouble; `busy`: it asks for less; `refused`: it does not"
        " take this event; `gone`: it wants nothing any more; `impossible`: no attempt could succeed.",
        "try_later",
        enum=_OUTCOMES,
    ),
    reason=field("string", "Why it was not delivered; empty where it was.", "the endpoint answered 503"),
    status=_STATUS,
    duration_ms=field("number", "How long it took, in milliseconds.", 12.5),
    answer=field(["string", "null"], "The first KiB of what the endpoint answered, where it did.", "try again later"),
    replay=_REPLAY,
)
_LETTER_FIELDS: Final[Mapping[str, JsonSchema]] = {
    "id": field("integer", "The letter.", 42),
    "at": field("string", "When the delivery was given up, RFC 3339, UTC.", _TIME, format="date-time"),
    **_DELIVERED_TO,
    "reason": field("string", "Why it was given up.", "given up after 4 tries: the endpoint answered 400"),
    "tries": field("integer", "Tries that counted against the event.", 4),
    "attempts": field("integer", "Attempts that were made, whoever was at fault.", 6),
    "status": _STATUS,
    "channel": field("string", "The hook's type when the delivery was given up.", "webhook"),
    "url": field("string", "The hook's URL then; secrets are masked.", "https://example.com/hook?key=***"),
    "replay": _REPLAY,
    "size": field("integer", "Bytes of the event as it is kept.", 512),
}
_LETTER: Final = record("A delivery that was given up.", **_LETTER_FIELDS)
_OPEN_LETTER: Final = record(
    "A delivery that was given up, with its event.",
    **_LETTER_FIELDS,
    headers=field(
        "object",
        "The headers of the event's message: in binary mode they hold its attributes.",
        {"Content-Type": "application/cloudevents+json"},
        additionalProperties={"type": "string"},
    ),
    payload={
        "description": "The event as it is kept: JSON where it is JSON, else its text.",
        "examples": [{"specversion": "1.0", "id": _EVENT_ID, "type": "Default", "data": {"message": "disk is full"}}],
    },
)

_STATE: Final = field("string", "The breaker's state.", "open", enum=["closed", "probing", "open"])
_FLOW: Final[Mapping[str, JsonSchema]] = {
    "in_flight": field("integer", "Attempts under way.", 3),
    "queued": field("integer", "Deliveries that wait in memory for a place.", 0),
}
_SINCE: Final = field(["string", "null"], "Since when, RFC 3339, UTC.", _TIME, format="date-time")

_REPLICA: Final = record(
    "The hook as one process sees it.",
    replica=field("string", "The process.", "ops-events-0"),
    breaker=_STATE,
    breaker_since=_SINCE,
    **_FLOW,
    delivered=field("integer", "Deliveries since the process began.", 1200),
    failed_attempts=field("integer", "Attempts that failed since then.", 7),
)
_PAUSE: Final = or_null(
    record(
        "The hook's pause, while it is paused.",
        reason=field("string", "Why.", "the endpoint answered 410"),
        by=field("string", "Who paused it: an operator, the endpoint or a pattern.", "endpoint"),
        since=field("string", "Since when, RFC 3339, UTC.", _TIME, format="date-time"),
    )
)
_LAST_ERROR: Final = or_null(
    record(
        "The newest attempt that failed, whenever that was.",
        at=field("string", "When, RFC 3339, UTC.", _TIME, format="date-time"),
        reason=field("string", "Why; secrets are masked.", "the endpoint answered 503"),
        status=_STATUS,
    )
)

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "Attempt": _ATTEMPT,
    "AttemptPage": extended(
        page("attempts", "newest first", "Attempt", example_of(_ATTEMPT)),
        left_out=field("integer", "Attempts that were made besides and not kept: more than the ledger takes.", 0),
    ),
    "DeadLetter": _OPEN_LETTER,
    "DeadLetterSummary": _LETTER,
    "DeadLetterPage": page("dead letters", "newest first", "DeadLetterSummary", example_of(_LETTER)),
    "Redrive": closed(
        optional(
            record(
                "Which dead letters to redrive.",
                ids=field(
                    "array",
                    "These; where it is left away, all, the oldest first, as far as one request goes.",
                    [42, 43],
                    items={"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
                    minItems=1,
                    maxItems=MOST,
                ),
            )
        )
    ),
    "Redriven": record(
        "What became of it. Where letters remain, ask again for the next ones.",
        redriven=field("integer", "Letters that were put back among the parked events, to be delivered.", 2),
        failed=field("integer", "Letters that are not there, or where they were.", 0),
        remaining=field("integer", "Letters of the hook that are left.", 0),
    ),
    "Statistics": record(
        "How a hook is doing, over all processes.",
        delivered=field("integer", "Deliveries that were made, ever.", 120000),
        failed_attempts=field("integer", "Attempts that failed, ever.", 250),
        dead_letters=field("integer", "Dead letters that wait for somebody.", 2),
        dead_letters_total=field("integer", "Deliveries that were given up, ever.", 9),
        parked=field("integer", "Events that are not delivered yet.", 310),
        oldest_pending_seconds=field(["number", "null"], "How long the oldest of them has waited.", 42.5),
        retention_seconds=field("number", "How long it may wait: then it is dropped, or a dead letter before.", 86400),
        breaker=_STATE,
        breaker_since=_SINCE,
        paused=_PAUSE,
        **_FLOW,
        last_error=_LAST_ERROR,
        replicas=field("array", "Each process that answered.", [example_of(_REPLICA)], items={"$ref": f"{REF}Replica"}),
    ),
    "Replica": _REPLICA,
}
