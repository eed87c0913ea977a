"""Markdown as chats have it: what others wrote must not become a link, a heading or a mention. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

_LINKS = re.compile(r"\](?=[(\[:])")
_EMPHASIS = re.compile(r"([\\`*_#~])")
_ENDS_A_LINK = re.compile(r"[\s()\[\]<>\"\\|]")


def unlinked(text: str) -> str:
    """A text in which brackets make no link: chats differ in what they escape, and none knows one with a gap."""
    return _LINKS.sub("] ", text)


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return unlinked(_EMPHASIS.sub(r"\\\1", text))


def without_tags(text: str) -> str:
    """A text without what begins a tag, for services that have no escape for it: another sign stands in."""
    return text.replace("<", "＜")  # noqa: RUF001 -- a wide one, on purpose


def linked(url: str) -> str:
    """A link to where more is to be seen."""
    return f"[Open]({safe(url)})"


def safe(url: str) -> str:
    """A URL of which no character ends the markup around it."""
    return _ENDS_A_LINK.sub(lambda found: quote(found[0], safe=""), url)
