"""Opsgenie, by the Alert API.

Source: https://docs.opsgenie.com/docs/alert-api and …/docs/response. A message takes 130 characters, an alias 512, a
description 15,000; the answer is 202. What resolves closes the alert of the same alias.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote

from app.delivery.outcome import Delivered, Impossible, Outcome, TryLater
from app.notifications.formats.incident import WITHOUT_KEY, key_of, source_of
from app.notifications.formats.notice import Notice, clip, fitted, utf16
from app.notifications.formats.request import Request, request

APIS: Final = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}

_MESSAGE: Final = 130  # characters
_ALIAS: Final = 512
_DESCRIPTION: Final = 15_000
_DETAILS: Final = 8_000  # all together
_SOURCE: Final = 100
_PRIORITIES: Final[dict[str, Literal["P1", "P2", "P3", "P4", "P5"]]] = {
    "critical": "P1",
    "error": "P2",
    "warning": "P3",
    "info": "P4",
    "debug": "P5",
}
_UNKNOWN: Final = "P3"


def message(api_key: str, notice: Notice, identity: str, api: str = APIS["us"]) -> Request | Impossible:
    """The request; `identity` stands for a key where there is none."""
    if notice.resolved and not notice.key:
        return WITHOUT_KEY
    headers = {"Authorization": f"GenieKey {api_key}"}
    alias = key_of(notice, identity, _ALIAS)
    if notice.resolved:
        close = {"source": "ops-events", "note": clip(notice.headline, _DESCRIPTION)}
        return request(f"{api}/v2/alerts/{quote(alias, safe='')}/close?identifierType=alias", close, headers)
    return request(f"{api}/v2/alerts", {"alias": alias, **_alert(notice)}, headers)


def _alert(notice: Notice) -> dict[str, Any]:
    link = f"\n{notice.link}" if notice.link and len(notice.link) < _DESCRIPTION // 4 else ""
    return {
        "message": fitted(notice.heading, _MESSAGE, utf16),
        "description": (fitted(notice.message, _DESCRIPTION - len(link), utf16) + link).strip(),
        "priority": _PRIORITIES.get(notice.severity.casefold(), _UNKNOWN),
        "source": source_of(notice, _SOURCE),
        "details": _details(notice),
    }


def _details(notice: Notice) -> dict[str, str]:
    """As many fields as there is room for."""
    room, kept = _DETAILS, dict[str, str]()
    for name, value in notice.fields.items():
        room -= utf16(name) + utf16(value)
        if room < 0:
            break
        kept[name] = value
    return kept


def judge(outcome: Outcome, *, closes: bool) -> Outcome:
    """To close an alert that is not there is done; only the first need not have come through."""
    is_absent = isinstance(outcome, TryLater) and outcome.answer and outcome.answer.status == HTTPStatus.NOT_FOUND
    return Delivered(outcome.answer) if closes and is_absent else outcome
