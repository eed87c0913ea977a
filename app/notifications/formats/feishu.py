"""Feishu and Lark, by a custom bot.

Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot. A body takes 20 KB; a bot takes 100 messages
a minute and 5 a second. Errors come with a `code`, under a status of 200 mostly.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final

from app.notifications.formats import plaintext
from app.notifications.formats.notice import Notice
from app.notifications.formats.plaintext import Form
from app.notifications.formats.request import Codes, Request, json_size, request

_BODY: Final = 20_000  # bytes
_SIGNATURE: Final = 200  # bytes that time and signature take
_URL: Final = 2_000
_COLOURS: Final = {"debug": "grey", "info": "blue", "warning": "yellow", "error": "red", "critical": "carmine"}
_FORM: Final = Form(json_size, link=lambda _: "")  # the link is a button

judge = Codes(
    fields=("code", "StatusCode"),
    busy={11232, 99991400},
    amiss={
        19001: "its address is not known: the bot was removed, or the address is wrong",
        19021: "the signature does not match: compare the secret, and this machine's clock",
        19022: "this machine's address is not among those that the bot takes messages from",
        19024: "none of the bot's key words stands in it",
    },
).judge


def message(url: str, notice: Notice, now: float, secret: str = "") -> Request:
    """The request at `now`, Unix seconds; signed where there is a secret."""
    room = _BODY - _SIGNATURE - len(request("", _body(notice, "")).body)
    # As plain text: in Markdown a message could mention everybody.
    text = plaintext.written(notice, _FORM, room, "")
    body = _body(notice, text if text.strip() else plaintext.headline(notice))
    return request(url, {**_signed(int(now), secret), **body} if secret else body)


def _body(notice: Notice, text: str) -> dict[str, Any]:
    colour = "green" if notice.resolved else _COLOURS.get(notice.severity.casefold(), "grey")
    title = {"tag": "plain_text", "content": plaintext.headline(notice)}
    card = {"header": {"title": title, "template": colour}, "elements": _elements(notice.link, text)}
    return {"msg_type": "interactive", "card": card}


def _elements(link: str, text: str) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = [{"tag": "div", "text": {"tag": "plain_text", "content": text}}]
    if link and len(link) <= _URL:
        label = {"tag": "plain_text", "content": "Open"}
        elements.append(
            {"tag": "action", "actions": [{"tag": "button", "text": label, "type": "default", "url": link}]}
        )
    return elements


def _signed(timestamp: int, secret: str) -> dict[str, str]:
    """The time and the secret are the key, and what is signed is empty: so the service has it."""
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": str(timestamp), "sign": base64.b64encode(digest).decode()}
