"""The channel `xiezuo`: a message to a robot of a WPS Xiezuo group chat."""

from __future__ import annotations

import time

import aiohttp

from app.delivery.channels.http import USER_AGENT, Post, post
from app.delivery.channels.robots import json_of, judge_robot
from app.delivery.channels.signing import standard_headers
from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome
from app.events.cloudevent import JSON_TYPE, compact_json


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
    found = json_of(text)
    kind = found.get("msgtype") if isinstance(found, dict) else None
    return isinstance(kind, str) and kind != ""
