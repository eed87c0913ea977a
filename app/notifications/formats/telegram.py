"""Telegram, by a bot.

Source: https://core.telegram.org/bots/api#sendmessage and https://core.telegram.org/bots/faq. A text takes 4,096
characters, counted in UTF-16 as offsets are; errors come with their status, an `error_code` and a `description`, and
with `parameters`, which say how many seconds to wait.

A link is part of the text: a button with a host that has no dot in its name, as many within a company are, makes
Telegram refuse the whole message.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from app.delivery.outcome import Answer, Busy, Outcome, Refused, TryLater
from app.notifications.formats import plaintext
from app.notifications.formats.notice import Notice, clip, utf16
from app.notifications.formats.plaintext import Form
from app.notifications.formats.request import Request, object_of, request

API: Final = "https://api.telegram.org"

_TEXT: Final = 4_096
_FORM: Final = Form(utf16)
_AMISS: Final = (
    "chat not found",
    "group chat was upgraded",
    "chat_write_forbidden",
    "not enough rights",
    "peer_id_invalid",
)
_SHOWN: Final = 100  # characters of a description


def message(token: str, chat: str, notice: Notice, api: str = API) -> Request:
    """A text with its title in bold. As an entity: what others wrote needs no escapes then."""
    title = plaintext.headline(notice)
    body: dict[str, Any] = {
        "chat_id": chat,
        "text": plaintext.written(notice, _FORM, _TEXT, title),
        "entities": [{"type": "bold", "offset": 0, "length": utf16(title)}],
        "link_preview_options": {"is_disabled": True},
    }
    return request(f"{api}/bot{quote(token, safe=':')}/sendMessage", body)


def judge(outcome: Outcome) -> Outcome:
    """With how long it wants us to wait; and a chat that is not there is not the message's fault."""
    if not isinstance(outcome, Busy | Refused) or outcome.answer is None:
        return outcome
    said = object_of(outcome.answer.body)
    if isinstance(outcome, Busy):
        return Busy(outcome.reason, _after(said) if outcome.after is None else outcome.after, outcome.answer)
    return _refused(outcome.reason, str(said.get("description", "")), outcome.answer)


def _refused(reason: str, description: str, answer: Answer) -> Outcome:
    told = f"{reason}: {clip(description, _SHOWN)}" if description else reason
    is_amiss = any(word in description.casefold() for word in _AMISS)
    return TryLater(told, answer=answer) if is_amiss else Refused(told, answer)


def _after(said: dict[str, Any]) -> float | None:
    parameters = said.get("parameters")
    after = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(after) if type(after) is int and after >= 0 else None
