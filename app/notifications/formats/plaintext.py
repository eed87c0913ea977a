"""A notice as one text, for services that take no more than that. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.notifications.formats.notice import Notice, Size, clip, fitted

TITLE: Final = 200  # characters
_LINK: Final = 1_500
_FIELDS: Final = 4  # the part of the room that the fields may take: a quarter

Write = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Form:
    """How a service has a text written."""

    size: Size  # of what is sent, as the service counts
    plain: Write = _as_it_is  # what others wrote, such that it is shown as it is
    title: Write = _as_it_is  # around the title, which is plain already
    link: Write = _as_it_is
    between: str = "\n"  # title, message, fields and link


def headline(notice: Notice) -> str:
    """The headline as texts begin with it."""
    return clip(notice.headline, TITLE)


def written(notice: Notice, form: Form, most: int, title: str) -> str:
    """A title, the message, the fields and the link, no larger than `most`.

    Where there is not enough room, the message is cut: title and link are small, and the fields have their part.
    """
    fields = form.plain(fitted(notice.listed, most // _FIELDS, lambda text: form.size(form.plain(text))))
    link = form.link(notice.link) if 0 < len(notice.link) <= _LINK else ""
    head = form.title(form.plain(title)) if title else ""

    def whole(message: str) -> str:
        return form.between.join(filter(None, (head, form.plain(message), fields, link)))

    return whole(fitted(notice.message, most, lambda message: form.size(whole(message))))
