"""Xiezuo, by a robot of a group chat: the form of message that hooks send it too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.delivery.channels.robots import judge_robot
from app.notifications.formats.notice import Notice, clip
from app.notifications.formats.request import Request, request

_TEXT: Final = 5_000  # characters

judge = judge_robot


def message(url: str, notice: Notice) -> Request:
    text = clip("\n".join(_lines(notice)), _TEXT)
    return request(url, {"msgtype": "text", "markdown": {"text": ""}, "text": {"content": text}})


def _lines(notice: Notice) -> Iterator[str]:
    yield clip(notice.headline, _TEXT // 4)
    if notice.message:
        yield notice.message
    yield from (f"{name}: {value}" for name, value in notice.fields.items())
    if notice.link:
        yield notice.link
