"""PagerDuty, by the Events API v2.

Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events. A summary takes 1,024 characters, a dedup
key 255; the answer is 202. What resolves carries the key of what it resolves.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from app.notifications.formats.notice import Notice, clip
from app.notifications.formats.request import Request, request

API: Final = "https://events.pagerduty.com"

_SUMMARY: Final = 1_024  # characters
_KEY: Final = 255
_DETAILS: Final = 100_000  # characters, of 512 KB for the whole
_SEVERITIES: Final = {"debug": "info", "info": "info", "warning": "warning", "error": "error", "critical": "critical"}
_UNKNOWN: Final = "warning"


def message(routing_key: str, notice: Notice, api: str = API) -> Request:
    body: dict[str, Any] = {"routing_key": routing_key, "event_action": "trigger", "dedup_key": _key(notice.key)}
    if notice.resolved:
        body["event_action"] = "resolve"
    else:
        body |= {"payload": _payload(notice), "client": "ops-events"}
        body["links"] = [{"href": notice.link, "text": "Open"}] if notice.link else []
    return request(f"{api}/v2/enqueue", body)


def _payload(notice: Notice) -> dict[str, Any]:
    return {
        "summary": clip(notice.title or notice.message or "a notification", _SUMMARY),
        "source": clip(notice.source or "ops-events", _SUMMARY),
        "severity": _SEVERITIES.get(notice.severity.casefold(), _UNKNOWN),
        "custom_details": {"message": clip(notice.message, _DETAILS), **notice.fields},
    }


def _key(key: str) -> str:
    """A key that is too long goes as its hash: cut off it could be another's."""
    return key if len(key) <= _KEY else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
