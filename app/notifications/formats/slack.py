"""Slack, by an incoming webhook.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and the Block Kit reference; a header
takes 150 characters, a section 3,000, a URL 3,000. Errors come with their status.
"""

from __future__ import annotations

from typing import Any, Final

from app.notifications.formats.notice import Notice, clip
from app.notifications.formats.request import Request, request

_HEADER: Final = 150
_SECTION: Final = 3000
_URL: Final = 3000
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})  # what begins mentions and links
_COLOURS: Final = {
    "debug": "#8d8d8d",
    "info": "#2f80ed",
    "warning": "#f2c744",
    "error": "#e01e5a",
    "critical": "#7a0016",
}
_OVER: Final = "#2eb67d"
_UNKNOWN: Final = "#8d8d8d"


def message(url: str, notice: Notice) -> Request:
    colour = _OVER if notice.resolved else _COLOURS.get(notice.severity.casefold(), _UNKNOWN)
    # The text is what notifications of the desktop show.
    shown = {"color": colour, "blocks": _blocks(notice)}
    return request(url, {"text": _fitting(notice.headline), "attachments": [shown]})


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": clip(notice.headline, _HEADER), "emoji": False}}
    ]
    if notice.message:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _fitting(notice.message)}})
    if notice.fields:
        lines = "\n".join(f"{name}: {value}" for name, value in notice.fields.items())
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _fitting(lines)}]})
    if notice.link and len(notice.link) <= _URL:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": notice.link}
        blocks.append({"type": "actions", "elements": [button]})
    return blocks


def _fitting(text: str) -> str:
    """Escaped, and no longer than a section takes; an entity is never cut in two."""
    escaped = _escaped(text)
    while len(escaped) > _SECTION:
        text = clip(text, len(text) - max(1, (len(escaped) - _SECTION) // 5))
        escaped = _escaped(text)
    return escaped


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
