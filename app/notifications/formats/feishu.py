"""Feishu and Lark, by a custom bot.

Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot. A body takes 20 KB; errors come with status
200 and a `code`, among them 11232 for more than 5 messages a second or 100 a minute.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final

from app.delivery.outcome import Outcome
from app.notifications.formats.notice import Notice, clip, clip_bytes
from app.notifications.formats.request import Request, by_number, request

_TITLE: Final = 200  # characters
_TEXT: Final = 12_000  # bytes; JSON may need half as much again for it
_URL: Final = 2_000
_BUSY: Final = frozenset({11232})
_COLOURS: Final = {"debug": "grey", "info": "blue", "warning": "yellow", "error": "red", "critical": "carmine"}


def message(url: str, notice: Notice, now: float, secret: str = "") -> Request:
    """The request at `now`, Unix seconds; signed where there is a secret."""
    body: dict[str, Any] = {"msg_type": "interactive", "card": _card(notice)}
    return request(url, {**_signed(int(now), secret), **body} if secret else body)


def judge(outcome: Outcome) -> Outcome:
    return by_number(outcome, ("code", "StatusCode"), _BUSY)


def _card(notice: Notice) -> dict[str, Any]:
    colour = "green" if notice.resolved else _COLOURS.get(notice.severity.casefold(), "grey")
    title = {"tag": "plain_text", "content": clip(notice.headline, _TITLE)}
    return {"header": {"title": title, "template": colour}, "elements": _elements(notice)}


def _elements(notice: Notice) -> list[dict[str, Any]]:
    lines = [notice.message, *(f"{name}: {value}" for name, value in notice.fields.items())]
    text = clip_bytes("\n".join(filter(None, lines)), _TEXT) or notice.headline
    # As plain text: in Markdown a message could mention everybody.
    elements: list[dict[str, Any]] = [{"tag": "div", "text": {"tag": "plain_text", "content": text}}]
    if notice.link and len(notice.link) <= _URL:
        label = {"tag": "plain_text", "content": "Open"}
        button = {"tag": "button", "text": label, "type": "default", "url": notice.link}
        elements.append({"tag": "action", "actions": [button]})
    return elements


def _signed(timestamp: int, secret: str) -> dict[str, str]:
    """The time and the secret are the key, and what is signed is empty: so the service has it."""
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": str(timestamp), "sign": base64.b64encode(digest).decode()}
