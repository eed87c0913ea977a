"""DingTalk, by a custom robot.

Source: https://open.dingtalk.com/document/robots/custom-robot-access and …/customize-robot-security-settings. A body
takes 20,000 bytes; a robot takes 20 messages a minute, and none for ten minutes after more. Errors come with status
200 and an `errcode`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final
from urllib.parse import quote_plus

from app.notifications.formats import plaintext
from app.notifications.formats.markdown import escaped, linked, without_tags
from app.notifications.formats.notice import Notice
from app.notifications.formats.plaintext import Form
from app.notifications.formats.request import MINUTE, Codes, Request, json_size, request

_BODY: Final = 20_000  # bytes
_TOKEN: Final = "its access token is not known: write the robot's address anew"  # noqa: S105 -- tells of one

judge = Codes(
    fields=("errcode",),
    busy={130101, 410100},
    broken={-1},
    amiss={
        300001: _TOKEN,
        300005: _TOKEN,
        400101: _TOKEN,
        400102: "the robot is stopped",
        400013: "the group is gone",
        310000: "the robot's security settings let it not through: compare secret, clock, key words and addresses",
    },
    after=MINUTE,
).judge


def message(url: str, notice: Notice, now: float, secret: str = "") -> Request:
    """The request at `now`, Unix seconds; signed where there is a secret."""
    title = plaintext.headline(notice)
    room = _BODY - len(request("", _body(title, "")).body)
    text = plaintext.written(notice, _FORM, room, title)
    return request(_signed(url, int(now * 1000), secret) if secret else url, _body(title, text))


def _body(title: str, text: str) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": {"isAtAll": False}}


def _plain(text: str) -> str:
    """Lines end where two blanks stand before the end; without, they run into each other."""
    return without_tags(escaped(text)).replace("\n", "  \n")


_FORM: Final = Form(json_size, _plain, lambda title: f"### {title}", linked, "\n\n")


def _signed(url: str, milliseconds: int, secret: str) -> str:
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    sign = quote_plus(base64.b64encode(digest))
    return f"{url}{'&' if '?' in url else '?'}timestamp={milliseconds}&sign={sign}"
