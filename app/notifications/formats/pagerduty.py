"""PagerDuty, by the Events API v2.

Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events and …/overview. A summary takes 1,024
characters, a dedup key 255, a body 512 KB; the answer is 202. What resolves carries the key of what it resolves. To 429
one is to wait "a few minutes".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.delivery.outcome import Busy, Impossible, Outcome, Refused, TryLater
from app.notifications.formats.incident import WITHOUT_KEY, key_of, source_of
from app.notifications.formats.notice import Notice, clip, fitted, utf16
from app.notifications.formats.request import MINUTE, Request, request

API: Final = "https://events.pagerduty.com"

_SUMMARY: Final = 1_024  # characters
_KEY: Final = 255
_SOURCE: Final = 1_000
_DETAILS: Final = 65_536  # characters of the message, which are at most six times as many bytes, of 512 KB
_URL: Final = 2_000
_SEVERITIES: Final = {"debug": "info", "info": "info", "warning": "warning", "error": "error", "critical": "critical"}
_UNKNOWN: Final = "warning"


def message(routing_key: str, notice: Notice, identity: str, api: str = API) -> Request | Impossible:
    """The request; `identity` stands for a key where there is none."""
    if notice.resolved and not notice.key:
        return WITHOUT_KEY
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if notice.resolved else "trigger",
        "dedup_key": key_of(notice, identity, _KEY),
    }
    if not notice.resolved:
        body |= {"payload": _payload(notice), "client": "ops-events", "links": _links(notice.link)}
    return request(f"{api}/v2/enqueue", body)


def _payload(notice: Notice) -> dict[str, Any]:
    return {
        "summary": fitted(notice.heading, _SUMMARY, utf16),
        "source": source_of(notice, _SOURCE),
        "severity": _SEVERITIES.get(notice.severity.casefold(), _UNKNOWN),
        "custom_details": {**notice.fields, "message": clip(notice.message, _DETAILS)},
    }


def _links(link: str) -> list[dict[str, str]]:
    return [{"href": link, "text": "Open"}] if link and len(link) <= _URL else []


def judge(outcome: Outcome) -> Outcome:
    """How long to wait, which it does not say; and a routing key that is wrong is not the message's fault."""
    if isinstance(outcome, Busy) and outcome.after is None:
        return replace(outcome, after=MINUTE)
    if isinstance(outcome, Refused) and outcome.answer and b"routing" in outcome.answer.body.lower():
        return TryLater(f"{outcome.reason}: the routing key is not taken", answer=outcome.answer)
    return outcome
