"""Slack, by an incoming webhook.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and the Block Kit reference. A header
takes 150 characters, any other text 3,000; a webhook takes a message a second. Errors come with a status and a word.

All stands in an attachment, for its colour. A link is text and no button: a button tells the app that it was pressed,
and whoever pressed it that the app does not answer.
"""

from __future__ import annotations

import re
from typing import Any, Final

from app.delivery.outcome import Gone, Outcome, Refused, TryLater
from app.notifications.formats.markdown import safe
from app.notifications.formats.notice import Notice, clip, fitted, utf16
from app.notifications.formats.request import Request, request

_HEADER: Final = 150
_TEXT: Final = 3_000
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

_WORD: Final = re.compile(rb"[a-z][a-z_]{2,60}")
_AMISS: Final = frozenset({"user_not_found", "channel_not_found", "invalid_token", "no_active_hooks", "no_team"})


def message(url: str, notice: Notice) -> Request:
    colour = _OVER if notice.resolved else _COLOURS.get(notice.severity.casefold(), _UNKNOWN)
    # The fallback is what notifications of the desktop and of phones show.
    shown = {"color": colour, "fallback": _escaped(clip(notice.headline, _HEADER)), "blocks": _blocks(notice)}
    return request(url, {"attachments": [shown]})


def _blocks(notice: Notice) -> list[dict[str, Any]]:
    title = {"type": "plain_text", "text": fitted(notice.headline, _HEADER, utf16), "emoji": False}
    blocks: list[dict[str, Any]] = [{"type": "header", "text": title}]
    if notice.message.strip():
        blocks.append({"type": "section", "text": _text(_fitting(notice.message))})
    if notice.fields:
        blocks.append({"type": "context", "elements": [_text(_fitting(notice.listed))]})
    if link := _link(notice.link):
        blocks.append({"type": "section", "text": _text(link)})
    return blocks


def _text(text: str) -> dict[str, Any]:
    """Verbatim: else names of channels and of people in it would become links and mentions."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fitting(text: str) -> str:
    """Escaped, and no longer than a text may be; an entity is never cut in two."""
    return _escaped(fitted(text, _TEXT, lambda some: utf16(_escaped(some))))


def _link(url: str) -> str:
    link = f"<{_escaped(safe(url))}|Open>" if url else ""
    return link if utf16(link) <= _TEXT else ""


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def judge(outcome: Outcome) -> Outcome:
    """With the word that says why; what no message causes is somebody's to mend."""
    if not isinstance(outcome, Refused | TryLater | Gone) or outcome.answer is None:
        return outcome
    if not (word := _WORD.fullmatch(outcome.answer.body.strip())):
        return outcome
    reason = f"{outcome.reason}: {word[0].decode()}"
    if isinstance(outcome, Refused) and word[0].decode() not in _AMISS:
        return Refused(reason, outcome.answer)
    return TryLater(reason, outcome.after if isinstance(outcome, TryLater) else None, outcome.answer)
