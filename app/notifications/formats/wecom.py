"""WeCom (WeChat Work), by a group robot.

Source: https://developer.work.weixin.qq.com/document/path/91770, and …/90313 for its numbers. Markdown takes 4,096
bytes; a robot takes 20 messages a minute. Errors come with status 200 and an `errcode`.
"""

from __future__ import annotations

from typing import Final

from app.notifications.formats import plaintext
from app.notifications.formats.markdown import linked, unlinked, without_tags
from app.notifications.formats.notice import Notice, utf8
from app.notifications.formats.plaintext import Form
from app.notifications.formats.request import MINUTE, Codes, Request, request

_TEXT: Final = 4_096  # bytes
_COLOURS: Final = {"debug": "comment", "info": "info", "warning": "warning", "error": "warning", "critical": "warning"}

judge = Codes(
    fields=("errcode",),
    busy={45009, 45033},
    broken={-1},
    amiss={93000: "its address is not valid any more, the robot was removed from the group"},
    after=MINUTE,
).judge


def message(url: str, notice: Notice) -> Request:
    colour = "info" if notice.resolved else _COLOURS.get(notice.severity.casefold(), "comment")
    form = Form(utf8, _plain, lambda title: f'<font color="{colour}">{title}</font>', linked)
    text = plaintext.written(notice, form, _TEXT, plaintext.headline(notice))
    return request(url, {"msgtype": "markdown", "markdown": {"content": text}})


def _plain(text: str) -> str:
    """Mentions and colours are written as tags; a quotation begins with what ends one."""
    return unlinked(without_tags(text)).replace(">", "＞")  # noqa: RUF001 -- a wide one, on purpose
