"""Microsoft Teams, by a workflow that a webhook starts.

Source: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook,
…/task-modules-and-cards/cards/cards-format and the Adaptive Cards schema 1.4. A message takes 28 KB, four go through
in a second; the answer is 202. Connectors of before answer 200 whatever happened, and say in the text what did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from app.delivery.outcome import Answer, Busy, Delivered, Outcome, Refused
from app.notifications.formats.markdown import unlinked
from app.notifications.formats.notice import Notice, clip, fitted
from app.notifications.formats.plaintext import headline
from app.notifications.formats.request import Request, json_size, request

_BODY: Final = 24_000  # bytes of the 28 KB: Teams counts what it makes of the card
_FACTS: Final = 6_000  # bytes, all together
_VALUE: Final = 200  # characters
_URL: Final = 2_000
_COLOURS: Final = {"warning": "Warning", "error": "Attention", "critical": "Attention", "info": "Accent"}
_EMPHASIS: Final = re.compile(r"([\\*_])")  # as much of Markdown as cards know, beside links and lists
_FAILED: Final = re.compile(rb"returned HTTP error (\d{3})")


def message(url: str, notice: Notice) -> Request:
    blocks, actions = [*_facts(notice)], _actions(notice)
    room = _BODY - len(request("", _card([_title(notice), _block(""), *blocks], actions)).body)
    text = fitted(notice.message, room, lambda some: json_size(_plain(some)))
    message = [_block(_plain(text))] if text.strip() else []
    return request(url, _card([_title(notice), *message, *blocks], actions))


def _card(body: list[dict[str, Any]], actions: list[dict[str, str]]) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _title(notice: Notice) -> dict[str, Any]:
    colour = "Good" if notice.resolved else _COLOURS.get(notice.severity.casefold(), "Default")
    return _block(_plain(headline(notice)), size="Medium", weight="Bolder", color=colour)


def _facts(notice: Notice) -> Iterator[dict[str, Any]]:
    room, facts = _FACTS, list[dict[str, str]]()
    for name, value in notice.fields.items():
        fact = {"title": _plain(clip(name, _VALUE)), "value": _plain(clip(value, _VALUE))}
        room -= sum(map(json_size, fact.values()))
        if room < 0:
            break
        facts.append(fact)
    if facts:
        yield {"type": "FactSet", "facts": facts}


def _plain(text: str) -> str:
    """Cards read Markdown, and end a line at an empty one only."""
    return unlinked(_EMPHASIS.sub(r"\\\1", text)).replace("\n", "\n\n")


def _block(text: str, **look: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **look}


def _actions(notice: Notice) -> list[dict[str, str]]:
    if not notice.link or len(notice.link) > _URL:
        return []
    return [{"type": "Action.OpenUrl", "title": "Open", "url": notice.link}]


def judge(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Delivered) or outcome.answer is None:
        return outcome
    failed = _FAILED.search(outcome.answer.body)
    return outcome if failed is None else _failed(int(failed[1]), outcome.answer)


def _failed(status: int, answer: Answer) -> Outcome:
    reason = f"Teams answered {status}"
    return Busy(reason, answer=answer) if status in {429, 503} else Refused(reason, answer)
