"""WeCom (WeChat Work), by a group robot.

Source: https://developer.work.weixin.qq.com/document/path/91770. Markdown takes 4,096 bytes; a robot takes 20
messages a minute, and answers 45009 to more. Errors come with status 200 and an `errcode`.
"""

from __future__ import annotations

from typing import Final

from app.delivery.outcome import Outcome
from app.notifications.formats.markdown import linked
from app.notifications.formats.notice import Notice, clip, clip_bytes
from app.notifications.formats.request import Request, by_number, request

_TITLE: Final = 200  # characters
_TEXT: Final = 4_096  # bytes
_BUSY: Final = frozenset({-1, 45009, 45033})
_COLOURS: Final = {"debug": "comment", "info": "info", "warning": "warning", "error": "warning", "critical": "warning"}


def message(url: str, notice: Notice) -> Request:
    link = linked(notice.link)
    most = _TEXT - len(link.encode()) - len("\n")
    lines = [_title(notice), _plain(notice.message), *(f"{_plain(k)}: {_plain(v)}" for k, v in notice.fields.items())]
    text = clip_bytes("\n".join(filter(None, lines)), most)
    return request(url, {"msgtype": "markdown", "markdown": {"content": "\n".join(filter(None, [text, link]))}})


def judge(outcome: Outcome) -> Outcome:
    return by_number(outcome, ("errcode",), _BUSY)


def _title(notice: Notice) -> str:
    colour = "info" if notice.resolved else _COLOURS.get(notice.severity.casefold(), "comment")
    return f'<font color="{colour}">{_plain(clip(notice.headline, _TITLE))}</font>'


def _plain(text: str) -> str:
    """Mentions and colours are written in angle brackets; there is no way to escape one, so others stand in."""
    return text.replace("<", "＜").replace(">", "＞")  # noqa: RUF001 -- wide ones, on purpose
