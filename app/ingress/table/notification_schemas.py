"""The JSON schemas and examples of notifications. Part of `schemas.py` and `examples.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.ingress.table.jsonschema import JsonSchema, closed, example_of, extended, field, optional, page, record

_CONFIGURATION: Final = {
    "default": "operators",
    "receivers": [
        {"name": "operators", "destination": {"type": "slack", "url": "https://hooks.slack.com/services/T0/B0/x"}},
        {"name": "oncall", "destination": {"type": "pagerduty", "routingKey": "a-key"}, "rate": {"limit": 20}},
    ],
    "routes": [
        {
            "match": {"severity": {"atLeast": "error"}, "data": {"cluster": "prod"}},
            "receivers": ["oncall"],
            "group": {"by": ["cluster"], "wait": "30s", "interval": "5m", "repeat": "4h"},
            "continue": True,
        }
    ],
}
_MASKED: Final = {
    **_CONFIGURATION,
    "receivers": [
        {"name": "operators", "destination": {"type": "slack", "url": "***"}},
        {"name": "oncall", "destination": {"type": "pagerduty", "routingKey": "***"}, "rate": {"limit": 20}},
    ],
}
_YAML: Final = """\
default: operators
receivers:
  - name: operators
    destination: {type: slack, url: https://hooks.slack.com/services/T0/B0/x}
"""
_NOTIFICATION: Final = {
    "provider": "ksyun",
    "channel": "disk",
    "severity": "error",
    "data": {"cluster": "prod", "title": "disk"},
}
_TITLE: Final = "{{ severity | upper }} {{ title }} on {{ data.cluster }}"
_ID: Final = "0b8f5a52-1f0c-4f0e-9f52-6f1d5f7f7a11"
_SILENCE: Final = {
    "match": {"data": {"cluster": "staging"}},
    "from": "2026-11-23T04:00:00Z",
    "to": "2026-11-23T08:00:00Z",
    "author": "ops",
    "reason": "the cluster is upgraded",
    "noticeBefore": "15m",
}

BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Notifications": {"two receivers": _CONFIGURATION},
    "NotificationsText": {"one receiver": _YAML},
    "NotificationCheckRequest": {
        "by what is in force": {"notification": _NOTIFICATION},
        "by what is sent": {"configuration": _YAML, "notification": _NOTIFICATION},
    },
    "TemplatePreviewRequest": {
        "a title": {"template": {"title": _TITLE}, "notification": _NOTIFICATION},
        "the body of a webhook": {"template": {"body": '{"text": {{ title | tojson }}}'}},
    },
    "Silence": {"a cluster": _SILENCE},
}
PATH_PARAMETERS: Final = {
    "receiver": ("The receiver's name.", "operators"),
    "silence": ("The silence's id.", _ID),
}
HEADER_EXAMPLES: Final = {"If-Match": '"7"'}

_RECEIVER: Final = record(
    "Somebody who is told.",
    name=field("string", "The name.", "operators"),
    type=field("string", "The kind of destination.", "slack"),
    url=field(
        "string", "Where to, without secrets; empty where there is no URL.", "https://hooks.slack.com/services/***"
    ),
    rate=field(
        ["object", "null"],
        "How many messages at most, where that is bounded, and by whose word: the receiver's, or its service's.",
        {"limit": 20, "per": "1m", "by": "service"},
    ),
)
_KEPT_SILENCE: Final = {
    **extended(
        record("A silence, as it is kept."),
        id=field("string", "Its id.", _ID),
        state=field("string", "Whether it mutes now.", "active", enum=["active", "pending", "ended"]),
    ),
    "examples": [{"id": _ID, "state": "active", **_SILENCE}],
}

_ASKED: Final = {
    **closed(
        optional(
            record(
                "The notification.",
                provider=field("string", "Who sends it.", "ksyun"),
                channel=field("string", "By which channel.", "disk"),
                severity=field("string", "How bad it is.", "error"),
                data=field("object", "What it says.", {"cluster": "prod"}),
            )
        )
    ),
    "examples": [_NOTIFICATION],
}

_TEMPLATE: Final = {
    **closed(
        optional(
            record(
                "Jinja2, in a sandbox.",
                title=field(["string", "null"], "Of the title.", _TITLE, maxLength=16_384),
                message=field(["string", "null"], "Of the message.", "{{ message }}", maxLength=65_536),
                body=field(
                    ["string", "null"],
                    "Of the whole body of a webhook.",
                    '{"text": {{ title | tojson }}}',
                    maxLength=65_536,
                ),
                contentType=field("string", "Of that body.", "application/json", maxLength=100),
            )
        )
    ),
    "examples": [{"title": _TITLE}],
}

SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "NotificationsText": field("string", "The same as YAML.", _YAML),
    "NotificationsInForce": record(
        "The receivers and routes in force.",
        revision=field("integer", "Which version it is; 0: there is none yet.", 7),
        source=field("string", "Who says so: a file, or who used this API last.", "api", enum=["api", "file"]),
        file=field("string", "The file, where it is one.", ""),
        configuration=field("object", "The configuration; *** stands for secrets.", _MASKED),
    ),
    "NotificationCheckRequest": closed(
        optional(
            record(
                "A notification to be routed, and by which routes.",
                configuration=field("string", "YAML or JSON; left out: those in force.", _YAML),
                notification=_ASKED,
            )
        )
    ),
    "NotificationCheck": record(
        "Whom it would reach.",
        receivers=field("array", "The receivers; none: it is unrouted.", ["oncall"], items={"type": "string"}),
        by=field(
            "array",
            "The routes that take it; none: it goes to the default.",
            [{"route": "routes[0]", "receivers": ["oncall"]}],
            items={"type": "object"},
        ),
        ways=field(
            "array",
            "How it reaches each of them.",
            [
                {
                    "receiver": "oncall",
                    "type": "pagerduty",
                    "routes": ["routes[0]"],
                    "how": "in groups by cluster, wait 30s, interval 5m, repeat 4h; at most 20 in 1m",
                }
            ],
            items={"type": "object"},
        ),
        silenced=field("boolean", "A silence mutes it now.", False),
        warnings=field("array", "What is allowed and hardly meant.", [], items={"type": "string"}),
    ),
    "TemplatePreviewRequest": {
        **closed(
            record(
                "A template, and the notification that it is tried on.",
                template=_TEMPLATE,
                notification=_ASKED,
            )
        ),
        "required": ["template"],
    },
    "TemplatePreview": record(
        "What is said by the template.",
        title=field("string", "The title.", "ERROR disk on prod"),
        message=field("string", "The message.", "the disk of node-a is full"),
        body=field(["string", "null"], "The body of a webhook, where the template has one.", None),
    ),
    "Receiver": _RECEIVER,
    "ReceiverPage": page("receivers", "by name", "Receiver", example_of(_RECEIVER)),
    "KeptSilence": _KEPT_SILENCE,
    "SilencePage": page("silences", "the last to end first", "KeptSilence", example_of(_KEPT_SILENCE)),
    "SilencePreview": record(
        "What a silence would have muted in the last hour.",
        seen=field("integer", "Notifications that were looked at.", 5400),
        muted=field("integer", "Those that it matches.", 42),
        complete=field("boolean", "The whole hour was looked at.", True),
        notifications=field(
            "array",
            "The oldest of them, at most 50.",
            [{"subject": "ops.notifications.providers.ksyun.channels.disk.severities.error", "id": _ID}],
            items={"type": "object"},
        ),
    ),
}
