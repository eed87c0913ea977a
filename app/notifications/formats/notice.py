"""What is to be said, before any service's form. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people."""

    title: str
    message: str
    severity: str = ""
    link: str = ""  # http or https; where more is to be seen
    key: str = ""  # names what this is about: a later notice of the same key is about the same
    resolved: bool = False  # it is over
    source: str = ""  # where it is, such as a cluster
    fields: Mapping[str, str] = field(default_factory=dict)  # more to be shown, in this order

    @property
    def headline(self) -> str:
        """The title, with how bad it is or that it is over."""
        word = "resolved" if self.resolved else self.severity
        return f"[{word.upper()}] {self.title}" if word else self.title


def clip(text: str, most: int) -> str:
    """A text of at most so many characters; what is cut off is seen to be."""
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT


def clip_bytes(text: str, most: int) -> str:
    """A text of at most so many bytes in UTF-8; no character is cut in two."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT
