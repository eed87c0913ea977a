"""Microsoft Teams, by a workflow that a webhook starts.

Source: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
and the Adaptive Cards schema 1.4. A message takes 28 KB; the answer is 202.
"""

from __future__ import annotations

from typing import Any, Final

from app.notifications.formats.markdown import escaped
from app.notifications.formats.notice import Notice, clip, clip_bytes
from app.notifications.formats.request import Request, request

_TITLE: Final = 200  # characters
_TEXT: Final = 16_000  # bytes; JSON may need half as much again for it
_FIELDS: Final = 20
_VALUE: Final = 200  # characters
_URL: Final = 2_000
_COLOURS: Final = {"warning": "Warning", "error": "Attention", "critical": "Attention", "info": "Accent"}


def message(url: str, notice: Notice) -> Request:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [*_body(notice)],
        "actions": _actions(notice),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return request(url, {"type": "message", "attachments": [attachment]})


def _body(notice: Notice) -> list[dict[str, Any]]:
    colour = "Good" if notice.resolved else _COLOURS.get(notice.severity.casefold(), "Default")
    blocks = [_block(clip(notice.headline, _TITLE), size="Medium", weight="Bolder", color=colour)]
    if notice.message:
        blocks.append(_block(clip_bytes(notice.message, _TEXT)))
    if notice.fields:
        facts = [{"title": clip(k, _VALUE), "value": clip(v, _VALUE)} for k, v in [*notice.fields.items()][:_FIELDS]]
        blocks.append({"type": "FactSet", "facts": facts})
    return blocks


def _block(text: str, **look: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": escaped(text), "wrap": True, **look}


def _actions(notice: Notice) -> list[dict[str, str]]:
    if not notice.link or len(notice.link) > _URL:
        return []
    return [{"type": "Action.OpenUrl", "title": "Open", "url": notice.link}]
