"""DingTalk, by a custom robot.

Source: https://open.dingtalk.com/document/robots/custom-robot-access and …/customize-robot-security-settings. A body
takes 20,000 bytes; a robot takes 20 messages a minute. Errors come with status 200 and an `errcode`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final
from urllib.parse import quote_plus

from app.delivery.outcome import Outcome
from app.notifications.formats.markdown import escaped, linked
from app.notifications.formats.notice import Notice, clip, clip_bytes
from app.notifications.formats.request import Request, by_number, request

_TITLE: Final = 200  # characters
_TEXT: Final = 12_000  # bytes; JSON may need half as much again for it
_BUSY: Final = frozenset({-1, 130101, 130102, 410100})  # the service is busy, or there were too many


def message(url: str, notice: Notice, now: float, secret: str = "") -> Request:
    """The request at `now`, Unix seconds; signed where there is a secret."""
    markdown = {"title": clip(notice.headline, _TITLE), "text": _text(notice)}
    body: dict[str, Any] = {"msgtype": "markdown", "markdown": markdown}
    return request(_signed(url, int(now * 1000), secret) if secret else url, body)


def judge(outcome: Outcome) -> Outcome:
    return by_number(outcome, ("errcode",), _BUSY)


def _text(notice: Notice) -> str:
    lines = [f"### {escaped(clip(notice.headline, _TITLE))}", escaped(notice.message)]
    lines += [f"- **{escaped(name)}**: {escaped(value)}" for name, value in notice.fields.items()]
    link = linked(notice.link)
    return clip_bytes("\n\n".join(filter(None, lines)), _TEXT - len(link)) + (f"\n\n{link}" if link else "")


def _signed(url: str, milliseconds: int, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    sign = quote_plus(base64.b64encode(digest))
    return f"{url}{'&' if '?' in url else '?'}timestamp={milliseconds}&sign={sign}"
