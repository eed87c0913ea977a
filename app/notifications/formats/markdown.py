"""Markdown as chats have it: what others wrote must not become a link, a heading or a mention. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")
_ENDS_A_LINK = re.compile(r"[\s()\[\]<>\"\\|]")


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def linked(url: str) -> str:
    """A link to where more is to be seen."""
    return f"[Open]({safe(url)})"


def safe(url: str) -> str:
    """A URL of which no character ends the markup around it."""
    return _ENDS_A_LINK.sub(lambda found: quote(found[0], safe=""), url)
