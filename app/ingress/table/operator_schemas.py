"""The JSON schemas of what operators ask for and are answered. Part of `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.ingress.table.delivery_schemas import SCHEMAS as DELIVERY_SCHEMAS
from app.ingress.table.jsonschema import (
    REF,
    JsonSchema,
    closed,
    example_of,
    field,
    one_field,
    optional,
    or_null,
    page,
    record,
)

_TIME: Final = "2026-11-23T04:50:41.125Z"
_EVENT_ID: Final = "5d9a3d6e-7a4f-5a53-9f2e-0c1b7a1c2d3e"
_SUBJECT: Final = "ops.clusters.default.namespaces.ops-system.pods.web-0.events"
_FILTER: Final = "ops.clusters.*.namespaces.*.pods.*.events"
_TEXT: Final = "cluster: default \nnamespace: ops-system \npod: web-0 \nreason: BackOff \n"


def _time(description: str) -> dict[str, Any]:
    return field("string", f"{description}, RFC 3339, UTC.", _TIME, format="date-time")


def _time_or_null(description: str) -> dict[str, Any]:
    return field(["string", "null"], f"{description}, RFC 3339, UTC.", _TIME, format="date-time")


def _part(description: str, **fields: JsonSchema) -> dict[str, Any]:
    """An object inside another."""
    schema = record(description, **fields)
    return {**schema, "examples": [example_of(schema)]}


def _list(description: str, item: JsonSchema) -> dict[str, Any]:
    return field("array", description, [example_of(item)], items=item)


_BY: Final = ["operator", "endpoint", "pattern", "secrets"]
_PAUSE: Final = {
    "reason": field(["string", "null"], "Why it is paused; no secrets.", "the receiver is being rebuilt"),
    "by": field(
        ["string", "null"],
        "Who paused it: an operator; the endpoint, by answering 410; a pattern that ran out of time again and again;"
        " secrets that cannot be read.",
        "operator",
        enum=[*_BY, None],
    ),
    "since": _time_or_null("Since when it is paused"),
}
_STATE: Final = field("string", "Whether it delivers.", "paused", enum=["active", "paused"])

_MOMENT: Final = {
    "description": "A time: RFC 3339, or milliseconds since 1970.",
    "examples": ["2026-11-23T04:00:00Z", 1795406400000],
    "oneOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}],
}
_SEQUENCE: Final = field("integer", "A place in the stream `ops`.", 4711, minimum=1)
_UNTIL: Final[JsonSchema] = {
    **one_field(
        record("Where it ends: one of these. Left out: with the newest event.", time=_MOMENT, sequence=_SEQUENCE)
    ),
    "examples": [{"sequence": 5000}],
}
_FROM: Final[JsonSchema] = {
    **one_field(
        record(
            "Where it begins: one of these.",
            time=_MOMENT,
            sequence=_SEQUENCE,
            dead_letters=field("boolean", "Take the hook's dead letters instead of the stream.", True, const=True),
        )
    ),
    "examples": [{"time": "2026-11-23T04:00:00Z"}],
}
_RATE: Final = field("integer", "Events per second, at most.", 50, minimum=1, maximum=1000, default=50)

_REPLAY: Final = record(
    "A replay: past events, or dead letters, that a hook is brought once more.",
    id=field("string", "The replay, as the receiver sees it in `webhook-replay`.", "9f2c4e1a7b3d5f60"),
    namespace=field("string", "The hook's namespace.", "ops-system"),
    hook=field("string", "The hook's name.", "pod-errors"),
    **{"from": _FROM},
    until=or_null(_UNTIL),
    rate=_RATE,
    state=field(
        "string",
        "`done`: everything is copied, and delivered as the target takes it. `failed`: `error` says why.",
        "running",
        enum=["running", "done", "stopped", "failed"],
    ),
    first=field("integer", "The first sequence that is read; of dead letters, in their own stream.", 4711),
    last=field("integer", "The last one: what came in after the replay began is not part of it.", 9000),
    position=field("integer", "The sequence up to which everything is read.", 5120),
    total=field("integer", "Messages to be read, as far as was known at the beginning.", 1200),
    read=field("integer", "Messages read so far.", 110),
    matched=field("integer", "Those that the hook wants.", 42),
    copied=field("integer", "Those that were parked for delivery.", 42),
    started=_time("When it was asked for"),
    ended=_time_or_null("When it was over"),
    error=field(["string", "null"], "What went wrong, if anything did.", None),
)

_PLACE: Final = or_null(
    record(
        "An event's place.",
        sequence=field("integer", "In the stream `ops`.", 4711),
        time=_time("When the stream took it"),
    )
)
_SAMPLE: Final = record(
    "An event that would have been sent.",
    sequence=field("integer", "Its place in the stream `ops`.", 4711),
    time=_time("When the stream took it"),
    id=field("string", "Its id.", _EVENT_ID),
    type=field("string", "Its type.", "Kube"),
    subject=field("string", "Its subject.", _SUBJECT),
    text=field("string", "The beginning of its readable text, which keywords are looked for in.", _TEXT),
    sends=_part(
        "What would be sent; secrets of the hook are masked.",
        to=field("string", "Where to: a URL, or for the type `event` a subject.", "https://example.com/hook"),
        body=field("string", "The beginning of the body.", _TEXT),
    ),
)
_ON_A_SUBJECT: Final = record(
    "Matches on one subject.",
    subject=field("string", "The subject.", _SUBJECT),
    matched=field("integer", "Events that would have been sent.", 12),
)

_DIFFERENCE: Final = or_null(
    record(
        "The first token at which they part.",
        place=field("integer", "Which token, from 1.", 6),
        wanted=field("string", "What the hook's subject has there; empty where it has ended.", "pods"),
        found=field("string", "What the event's has; empty where it has ended.", "nodes"),
    )
)
_WORD: Final = record(
    "A keyword.",
    word=field("string", "The keyword.", "BackOff"),
    matches=field(["boolean", "null"], "Whether it is found; null where that could not be decided in time.", True),
)
_EXPLAINED_EVENT: Final = _part(
    "The event.",
    id=field(["string", "null"], "Its id; null where the message is no CloudEvent.", _EVENT_ID),
    type=field(["string", "null"], "Its type.", "Kube"),
    subject=field("string", "Its subject.", _SUBJECT),
    sequence=field("integer", "Its place in the stream `ops`; 0 where that is not known.", 4711),
    time=_time("When the stream took it"),
    found_in=field("string", "Where it is kept.", "ops", enum=["ops", "dead_letters", "parked"]),
)
_EXPLAINED_HOOK: Final = _part(
    "The hook as it is now.",
    namespace=field("string", "Its namespace.", "ops-system"),
    name=field("string", "Its name.", "pod-errors"),
    subject=field("string", "Its subject.", _FILTER),
    state=_STATE,
    generation=field("integer", "How often its spec was changed, from 1.", 3),
    created=field("string", "When it was made, RFC 3339, UTC; empty where that is not known.", _TIME),
    changed=field("string", "When it was last written, RFC 3339, UTC.", _TIME),
)
_VERDICTS: Final = [
    "delivered",
    "dead_letter",
    "paused",
    "parked",
    "not_matched",
    "pending",
    "hook_newer",
    "unknown",
]

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "PauseStatus": record("Whether a hook delivers, and if not, why.", state=_STATE, **_PAUSE),
    "PauseRequest": closed(
        optional(
            record(
                "Why the hook is paused.",
                reason=field("string", "For people; no secrets.", "the receiver is being rebuilt", maxLength=500),
            )
        )
    ),
    "ReplayRequest": {
        **closed(record("What to bring a hook once more.", **{"from": _FROM}, until=or_null(_UNTIL), rate=_RATE)),
        "required": ["from"],
    },
    "Replay": _REPLAY,
    "ReplayPage": page("replays", "newest first", "Replay", example_of(_REPLAY)),
    "DryRun": record(
        "What a hook would have been given of the stored events. The newest are looked at first.",
        complete=field(
            "boolean", "All hours that were asked for were looked at, within 10 s and 200,000 events.", True
        ),
        read=field("integer", "Events on the hook's subject that were looked at.", 5400),
        matched=field("integer", "Those that would have been sent.", 42),
        undecided=field("integer", "Of those, the ones of which a keyword could not be decided in time.", 0),
        unreadable=field("integer", "Messages that are no CloudEvent.", 0),
        first={**_PLACE, "description": "The oldest event looked at; between it and `last` none was left out."},
        last={**_PLACE, "description": "The newest event looked at."},
        subjects=_list("The subjects with the most matches, at most 10.", _ON_A_SUBJECT),
        samples=_list("The newest matches, at most 10.", _SAMPLE),
    ),
    "Explanation": record(
        "Why a hook did or did not fire for an event.",
        event=_EXPLAINED_EVENT,
        hook=_EXPLAINED_HOOK,
        verdict=field(
            "string",
            "`delivered`; `dead_letter`: given up; `paused`: waits until the hook is resumed; `parked`: waits for the"
            " endpoint; `not_matched`: the hook does not want it; `pending`: not read yet, or under way; `hook_newer`:"
            " the hook, or its present form, came after the event; `unknown`: no trace is left.",
            "not_matched",
            enum=_VERDICTS,
        ),
        because=field(
            "array", "Why, in words.", ["The text has none of the keywords of include."], items={"type": "string"}
        ),
        subject=_part(
            "Whether the hook's subject sees the event's.",
            matches=field("boolean", "Whether it does.", True),
            first_difference=_DIFFERENCE,
        ),
        keywords=or_null(
            record(
                "What the hook's keywords find in the event's readable text; null where it has none.",
                include=_list("Of these, any or all must be found.", _WORD),
                exclude=_list("Of these, none must be found.", _WORD),
                match_mode=field("string", "How many of include.", "ANY", enum=["ANY", "ALL"]),
                match_type=field("string", "How they match.", "CONTAINS", enum=["CONTAINS", "EXACT", "REGEX"]),
                wanted=field(
                    ["boolean", "null"], "Whether they want the event; null: undecided, counts as yes.", False
                ),
            )
        ),
        attempts=field(
            "array",
            "The newest attempts at delivering it, at most 20.",
            [example_of(DELIVERY_SCHEMAS["Attempt"])],
            items={"$ref": f"{REF}Attempt"},
        ),
        dead_letter=or_null(
            record(
                "Its dead letter, where there is one.",
                id=field("integer", "The letter.", 42),
                at=_time("When it was given up"),
                reason=field("string", "Why.", "given up after 4 tries: the endpoint answered 400"),
                tries=field("integer", "Tries that counted against it.", 4),
                attempts=field("integer", "Attempts that were made.", 6),
            )
        ),
        parked=or_null(
            record(
                "Its copy among the parked events, where there is one.",
                sequence=field("integer", "Its place in the stream `ops-parked`.", 1234),
                at=_time("When it was parked"),
                reason=field("string", "Why.", "the endpoint answered 503"),
                tries=field("integer", "Tries that counted against it so far.", 1),
                not_before=_time_or_null("When it is tried again at the earliest"),
                replay=field("string", "The replay that brought it; empty where none did.", ""),
            )
        ),
        paused=or_null(
            record(
                "The hook's pause, while it is paused.",
                reason=field("string", "Why.", "the endpoint answered 410"),
                by=field("string", "Who paused it.", "endpoint", enum=_BY),
                since=field("string", "Since when, RFC 3339, UTC; empty where that is not known.", _TIME),
                generation=field("integer", "The hook's generation then.", 3),
            )
        ),
    ),
}
