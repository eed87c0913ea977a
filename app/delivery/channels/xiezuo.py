"""The channel `xiezuo`: a message to a robot of a WPS Xiezuo group chat."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any, Final

import aiohttp
from pydantic_core import from_json

from app.delivery.channels.http import USER_AGENT, Post, post
from app.delivery.channels.signing import standard_headers
from app.delivery.delivery import Delivery
from app.delivery.outcome import Answer, Delivered, Outcome, Refused
from app.events.cloudevent import JSON_TYPE, compact_json

# Fields in which robots name an error under a status of 200, and the numbers there that mean none. In doubt it is no
# error: a message that is repeated for nothing is seen by everybody in the chat.
_FINE: Final[Mapping[str, Container[int]]] = {
    "errcode": {0},
    "code": {0, *range(200, 300)},
    "result": {0, 1, *range(200, 300)},
}


class Xiezuo:
    """POSTs the readable text as a chat message; text that is such a message already goes as it is."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, delivery: Delivery) -> Outcome:
        return judge_robot(await post(self._session, request_of(delivery, int(time.time()))))


def request_of(delivery: Delivery, timestamp: int) -> Post:
    """The request of an attempt at `timestamp`, Unix seconds."""
    body = message(delivery.received.text, delivery.target.additional)
    headers = {"Content-Type": JSON_TYPE, "User-Agent": USER_AGENT}
    return Post(delivery.target.url, headers | standard_headers(delivery, timestamp, body), body)


def message(text: str, additional: str) -> bytes:
    """The body for a text; the additional text is left out where the text is a body already."""
    if _is_message(text):
        return text.encode("utf-8", "replace")
    content = (text + additional).encode("utf-8", "replace").decode()
    return compact_json({"msgtype": "text", "markdown": {"text": ""}, "text": {"content": content}})


def _is_message(text: str) -> bool:
    if '"msgtype"' not in text:
        return False
    found = _json(text)
    kind = found.get("msgtype") if isinstance(found, dict) else None
    return isinstance(kind, str) and kind != ""


def judge_robot(outcome: Outcome) -> Outcome:
    """What an outcome by the status means when the answer's body is read too."""
    if not isinstance(outcome, Delivered) or outcome.answer is None:
        return outcome
    error = _error(outcome.answer)
    return Refused(f"the robot answered {error}", outcome.answer) if error else outcome


def _error(answer: Answer) -> str:
    said = _json(answer.body)
    for field, fine in _FINE.items() if isinstance(said, dict) else ():
        number = said.get(field)
        if type(number) is int and number not in fine:  # exactly: `true` is an int too
            return f"{field} {number}"
    return ""


def _json(text: str | bytes) -> Any:
    """What the text says as JSON; None where it is none, or not all of it."""
    try:
        return from_json(text)
    except ValueError:
        return None
