"""Xiezuo, by a robot of a group chat: the form of message that hooks send it too.

Source: https://open-xz.wps.cn/pages/client/robot/custom-robot. A text takes 5,000 characters, a robot 20 messages a
minute. Tags in a text mention people, and everybody.
"""

from __future__ import annotations

from typing import Final

from app.delivery.channels.robots import judge_robot
from app.notifications.formats import plaintext
from app.notifications.formats.markdown import without_tags
from app.notifications.formats.notice import Notice, utf16
from app.notifications.formats.plaintext import Form
from app.notifications.formats.request import Request, request

_TEXT: Final = 5_000

judge = judge_robot


def message(url: str, notice: Notice) -> Request:
    text = plaintext.written(notice, _FORM, _TEXT, plaintext.headline(notice))
    return request(url, {"msgtype": "text", "markdown": {"text": ""}, "text": {"content": text}})


_FORM: Final = Form(utf16, without_tags)
