"""Telegram, by a bot.

Source: https://core.telegram.org/bots/api#sendmessage. A text takes 4,096 characters after its entities are read; to
429 the answer says in `parameters.retry_after` how many seconds to wait.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.delivery.outcome import Busy, Outcome
from app.notifications.formats.notice import Notice, clip
from app.notifications.formats.request import Request, object_of, request

API: Final = "https://api.telegram.org"

_TITLE: Final = 200  # characters
_TEXT: Final = 4_000  # a little less than it takes: it counts in UTF-16
_URL: Final = 2_000


def message(token: str, chat: str, notice: Notice, api: str = API) -> Request:
    body: dict[str, Any] = {"chat_id": chat, **_text(notice), "link_preview_options": {"is_disabled": True}}
    if notice.link and len(notice.link) <= _URL:
        body["reply_markup"] = {"inline_keyboard": [[{"text": "Open", "url": notice.link}]]}
    return request(f"{api}/bot{token}/sendMessage", body)


def _text(notice: Notice) -> dict[str, Any]:
    """The text, and the title in it in bold. As an entity: what others wrote needs no escapes then."""
    title = clip(notice.headline, _TITLE)
    lines = [title, notice.message, *(f"{name}: {value}" for name, value in notice.fields.items())]
    text = _clip_units("\n".join(filter(None, lines)), _TEXT)
    return {"text": text, "entities": [{"type": "bold", "offset": 0, "length": _units(title)}]}


def _units(text: str) -> int:
    """UTF-16 code units, by which it counts."""
    return len(text.encode("utf-16-le", "replace")) // 2


def _clip_units(text: str, most: int) -> str:
    while (over := _units(text) - most) > 0:
        text = clip(text, len(text) - (over + 1) // 2)
    return text


def judge(outcome: Outcome) -> Outcome:
    """With how long it wants us to wait, which it says in the body."""
    if not isinstance(outcome, Busy) or outcome.after is not None or outcome.answer is None:
        return outcome
    parameters = object_of(outcome.answer.body).get("parameters")
    after = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return replace(outcome, after=float(after)) if isinstance(after, int) and after >= 0 else outcome
