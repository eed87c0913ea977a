"""Markdown as chats have it: what others wrote must not become a link, a heading or a mention. Pure."""

from __future__ import annotations

import re
from typing import Final

_URL: Final = 2_000  # characters
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def linked(url: str) -> str:
    """A link to where more is to be seen; none where it is too long, or would end before its end."""
    return f"[Open]({url})" if url and len(url) <= _URL and not set(url) & set(" ()<>") else ""
