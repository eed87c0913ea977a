"""What the OpenAPI document says beyond the table of operations: tags, parameters, problems, bodies. Pure data.

`openapi.py` makes the document from it, `schemas.py` describes what is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from app.ingress.table import cloudevents_schemas, notification_schemas, tail_schemas

# The first of these that a path contains is its tag.
TAGS: Final = {
    "/notifications": ("Notifications", "Who is told of what: receivers, routes, silences."),
    "/attempts": ("Attempts", "The ledger: what became of each delivery."),
    "/deadletters": ("Dead letters", "Deliveries that were given up, to be looked at and redriven for a week."),
    "/stats": ("Statistics", "How a hook is doing."),
    "/replays": ("Replays", "Bringing a hook what has been, once more."),
    "/events": ("Events", "Events in."),
    "/eventhook": ("Hooks", "Which events are delivered, and where to."),
    "": ("Process", "How the process is. No token is needed."),
}

# Parameters in paths: what they stand for, and an example.
PATH_PARAMETERS: Final = {
    **tail_schemas.PATH_PARAMETERS,
    **notification_schemas.PATH_PARAMETERS,
    "namespace": ("The namespace that the event or the hook belongs to.", "ops-system"),
    "name": ("The hook's name.", "pod-errors"),
    "attempt": ("The attempt's place in the ledger.", "815-0"),
    "letter": ("The dead letter.", "42"),
    "replay": ("The replay's id.", "9f2c4e1a7b3d5f60"),
    "event": (
        (
            "Where the event goes. `ops.…` is the whole subject, untouched; `nodes.{nodeName}.{observation}` is about a"
            " node of this cluster, whose name may hold dots; anything else is put below the namespace, as"
            " `ops.clusters.{cluster}.namespaces.{namespace}.{event}`."
        ),
        "alerts.disk",
    ),
}
HEADER_EXAMPLES: Final = {
    "Idempotency-Key": "disk-node-a-2026-11-23T04:50",
    **cloudevents_schemas.HEADER_EXAMPLES,
    **tail_schemas.HEADER_EXAMPLES,
    **notification_schemas.HEADER_EXAMPLES,
}

# What each status means, and a message as it is sent.
PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: ("The body, a parameter or the subject is malformed.", "page is 'x': use a whole number"),
    HTTPStatus.UNAUTHORIZED: ("The token is missing or wrong.", "send the header Authorization: Bearer TOKEN"),
    HTTPStatus.FORBIDDEN: (
        "The token has no right to this; or the server has no token, and the client is not on its machine.",
        "the token ci may not publish to ops.notifications.x: its right reaches ops.clusters.*.namespaces.ci.>",
    ),
    HTTPStatus.NOT_FOUND: ("There is no such thing.", "there is no hook pod-errors in namespace ops-system"),
    HTTPStatus.REQUEST_TIMEOUT: ("The body came too slowly.", "the body was not there within 10 s: send it faster"),
    HTTPStatus.CONFLICT: (
        "It exists already, or has changed since it was read.",
        "a hook pod-errors exists already: replace it with PUT",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The body is too large.", "the body is larger than 1048576 bytes: send less"),
    HTTPStatus.REQUEST_URI_TOO_LONG: (
        "The path and the query are too long.",
        "the path and the query are longer than 8192 bytes: shorten them",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "The headers are too many or too long.",
        "the headers are more than 100, or 32768 bytes: send fewer",
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
        "The body is compressed, or of a media type that is not taken here.",
        "the body is compressed: send it as it is",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "The resource breaks a rule; the message names each field and why.",
        "spec.url: is not of the form http://host/path or https://host/path",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "Too many wrong tokens came from this address, or as many questions are being answered as can be: wait.",
        "2 questions are being answered: ask again in 5 s",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("A fault of the server.", "a fault of ours: it stands in the log"),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "JetStream is away or not ready, or as many requests are being served as can be: try again.",
        "NATS is not connected",
    ),
}
_RETRY_AFTER: Final = ("Retry-After", "Seconds to wait.", {"type": "integer", "examples": [1]})
PROBLEM_HEADERS: Final = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "The scheme to use.", {"type": "string", "examples": ["Bearer"]}),
    HTTPStatus.TOO_MANY_REQUESTS: _RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY_AFTER,
}

_HOOK: Final[Mapping[str, Any]] = {
    "apiVersion": "crd.chenshaowen.com/v1",
    "kind": "EventHooks",
    "metadata": {"name": "pod-errors", "namespace": "ops-system"},
    "spec": {
        "type": "webhook",
        "subject": "ops.clusters.*.namespaces.*.pods.*.events",
        "url": "https://example.com/hook",
        "keywords": {"include": ["BackOff"], "exclude": ["healthcheck"], "matchMode": "ANY", "matchType": "CONTAINS"},
        "additional": " text appended to the readable text",
        "options": {},
    },
}
_STORED: Final = {
    "labels": {},
    "annotations": {},
    "uid": "0b8f5a52-1f0c-4f0e-9f52-6f1d5f7f7a11",
    "generation": 1,
    "creationTimestamp": "2026-11-23T04:50:41Z",
    "resourceVersion": "7",
}
_STATUS: Final = {
    "state": "paused",
    "reason": "the receiver is being rebuilt",
    "by": "operator",
    "since": "2026-11-23T04:50:41.125Z",
}
STORED_HOOK: Final = {**_HOOK, "metadata": {**_HOOK["metadata"], **_STORED}, "status": _STATUS}
_REPORT: Final = {"host": "node-a", "kind": "disk", "threshold": "80%", "operator": ">", "value": "91%"}

# What may be posted, each with a name.
BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    **cloudevents_schemas.BODIES,
    **notification_schemas.BODIES,
    "Hook": {"webhook": _HOOK},
    "PauseRequest": {"with a reason": {"reason": "the receiver is being rebuilt until 18:00"}, "without": {}},
    "ReplayRequest": {
        "since a time": {"from": {"time": "2026-11-23T04:00:00Z"}, "rate": 100},
        "a stretch of the stream": {"from": {"sequence": 4711}, "until": {"sequence": 5000}},
        "the dead letters": {"from": {"dead_letters": True}},
    },
    "Redrive": {"these": {"ids": [42, 43]}, "all": {}},
    "Custom": {
        "any object": {"message": "deployed", "version": "1.4.2"},
        "a text to pass on": {"type": "Webhook", "content": "disk is full on node-a"},
        "a finding": {"type": "TaskRunReport", **_REPORT, "status": "alerting"},
    },
}
