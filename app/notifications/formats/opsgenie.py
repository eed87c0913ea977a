"""Opsgenie, by the Alert API.

Source: https://docs.opsgenie.com/docs/alert-api. A message takes 130 characters, an alias 512, a description 15,000;
the answer is 202. What resolves closes the alert of the same alias.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal
from urllib.parse import quote

from app.notifications.formats.notice import Notice, clip
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


def message(api_key: str, notice: Notice, api: str = APIS["us"]) -> Request:
    headers = {"Authorization": f"GenieKey {api_key}"}
    alias = _alias(notice.key)
    if notice.resolved:
        close = {"source": "ops-events", "note": clip(notice.headline, _DESCRIPTION)}
        return request(f"{api}/v2/alerts/{quote(alias, safe='')}/close?identifierType=alias", close, headers)
    return request(f"{api}/v2/alerts", {"alias": alias, **_alert(notice)}, headers)


def _alert(notice: Notice) -> dict[str, Any]:
    return {
        "message": clip(notice.title or notice.message or "a notification", _MESSAGE),
        "description": clip("\n".join(filter(None, [notice.message, notice.link])), _DESCRIPTION),
        "priority": _PRIORITIES.get(notice.severity.casefold(), _UNKNOWN),
        "source": clip(notice.source or "ops-events", _SOURCE),
        "details": _details(notice),
    }


def _details(notice: Notice) -> dict[str, str]:
    """As many fields as there is room for."""
    room, kept = _DETAILS, dict[str, str]()
    for name, value in notice.fields.items():
        room -= len(name) + len(value)
        if room < 0:
            break
        kept[name] = value
    return kept


def _alias(key: str) -> str:
    """A key that is too long goes as its hash: cut off it could be another's."""
    return key if len(key) <= _ALIAS else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
