"""What is to be said, before any service's form; and how a text is cut where there is not enough room. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

_CUT: Final = "…"
_NOTHING: Final = "a notification"  # no service takes an empty title
_UNSEEN: Final = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\t"), ord("\n")})  # control characters

Size = Callable[[str], int]  # of a text, as a service counts: never less than its characters, never less with more


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
    def heading(self) -> str:
        """The title in one line, never empty."""
        return " ".join((self.title.strip() or self.message).split()) or _NOTHING

    @property
    def headline(self) -> str:
        """The heading, with how bad it is or that it is over."""
        word = " ".join(("resolved" if self.resolved else self.severity).split())
        return f"[{word.upper()}] {self.heading}" if word else self.heading

    @property
    def listed(self) -> str:
        """The fields, one a line."""
        return "\n".join(f"{name}: {value}" for name, value in self.fields.items())


def writable(text: str) -> str:
    """A text as every service can take it: without control characters, and without halves of characters."""
    if text.isprintable():  # most are, and it is asked for every field
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN)
    return lines.encode("utf-8", "replace").decode()


def utf8(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def utf16(text: str) -> int:
    """Code units in UTF-16, which is what many a service calls characters."""
    return len(text.encode("utf-16-le", "replace")) // 2


def fitted(text: str, most: int, size: Size) -> str:
    """The longest beginning of a text that is no larger than `most`; what is cut off is seen to be."""
    if len(text) <= most and size(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + _CUT) <= most else (low, middle - 1)
    return text[:low] + _CUT


def clip(text: str, most: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT
