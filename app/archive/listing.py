"""Reading the server's list of subjects in parts, and choosing from it. Pure.

A list of 100,000 subjects is several MiB of JSON; read at once, it would hold up everything else in the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pydantic_core import from_json

from app.events.subject import ANY, REST, ROOT

PART: Final = 256 * 1024  # bytes read at once: about 1 ms

_BEGIN: Final = f'"subjects":{{"{ROOT}.'.encode()
_NEXT: Final = f',"{ROOT}.'.encode()

Choose = Callable[[str], object]


def read(answer: bytes, part: int = PART) -> Iterator[list[str] | int]:
    """The subjects in the server's description of a stream, in parts, and at last how many there are.

    In JSON a quote within a text is escaped, so a comma and a quote before `ops.` stand between two subjects.
    """
    begin = answer.find(_BEGIN)
    if begin < 0:
        yield _total(answer)
        return
    place = begin + len(_BEGIN) - len(_NEXT)  # of the brace before the first subject; others have a comma there
    while (end := answer.find(_NEXT, place + part)) > 0:
        yield list(from_json(b"{%s}" % answer[place + 1 : end]))
        place = end
    rest = from_json(answer[: begin + len(_BEGIN) - len(_NEXT) + 1] + answer[place + 1 :])
    yield list(rest["state"]["subjects"])
    yield rest["total"]


def _total(answer: bytes) -> int:
    return int(from_json(answer).get("total", 0))


def chooser(search: str, granted: Sequence[str]) -> Choose | None:
    """What says whether a text stands in a subject, whatever its case, and a filter sees it; None: all are wanted."""
    seen = _seen(granted)
    text = search.casefold()
    if not text:
        return seen
    if seen is None:
        return lambda subject: text in subject.casefold()
    return lambda subject: text in subject.casefold() and seen(subject)


def _seen(granted: Sequence[str]) -> Choose | None:
    """Much faster than to match each of 100,000 subjects token by token."""
    if {REST, f"{ROOT}.{REST}"} & {*granted}:
        return None
    return re.compile("|".join(map(_pattern, granted)) or r"(?!)").fullmatch


def _pattern(granted: str) -> str:
    tokens = granted.split(".")
    written = {ANY: "[^.]+", REST: "(?s:.+)"}
    return r"\.".join(written.get(token, re.escape(token)) for token in tokens)
