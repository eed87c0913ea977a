"""JSON as text: how deep it is nested, and where its parts stand. Pure.

What is kept to the byte is cut out of what was sent, rather than read and written again.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

MAX_DEPTH: Final = 64  # levels

_STEPS: Final = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")  # as signed bytes: one up, one down
_NO_MARKS: Final = bytes({*range(256)} - {*b'{[}]"'})
_SPACES: Final = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]*")


class NotJsonError(ValueError):
    """Text that is no JSON."""


class TooDeepError(NotJsonError):
    """JSON that is nested deeper than `MAX_DEPTH`."""


def require_shallow(text: bytes) -> None:
    """Look at how deep JSON is nested before it is given to a parser, which would hold up everybody else.

    Raises:
        TooDeepError: deeper than `MAX_DEPTH`.
    """
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return  # most bodies, and this costs next to nothing
    steps = array("b", _outside_strings(text).translate(_STEPS))
    if max(accumulate(steps), default=0) > MAX_DEPTH:
        raise TooDeepError(f"the JSON is nested deeper than {MAX_DEPTH} levels: make it flatter")


def _outside_strings(text: bytes) -> bytes:
    """The brackets between the strings of JSON; behind a quotation mark that is never closed all counts as a string."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = text.translate(None, _NO_MARKS).replace(b'""', b"")  # two at once leave what is inside a string inside
    return b"".join(marks.split(b'"')[::2])


def value(text: bytes) -> Any:
    """The one value of a JSON text: an object as the tuple of its members, with those that stand there twice.

    Numbers are floats here, however large: what they are exactly, their text says.

    Raises:
        NotJsonError: it is none, or too deep.
    """
    decoded = _decoded(text)
    found, end = _value_at(decoded, _skip(decoded, 0))
    _require_end(decoded, end)
    return found


def elements(text: bytes) -> Iterator[tuple[bytes, Any]]:
    """The elements of a JSON array in turn, each as its text and as `value` has it.

    Raises:
        NotJsonError: it is no array, or one that is cut off; not before the elements in front of that were given.
    """
    decoded = _decoded(text)
    at = _skip(decoded, 0)
    if not decoded.startswith("[", at):
        raise NotJsonError("it is not an array")
    at = _skip(decoded, at + 1)
    more = not decoded.startswith("]", at)
    while more:
        found, end = _value_at(decoded, at)
        yield decoded[at:end].encode(), found
        at = _skip(decoded, end)
        more = decoded.startswith(",", at)
        if more:
            at = _skip(decoded, at + 1)
    if not decoded.startswith("]", at):
        raise NotJsonError(f"a comma or the end of the array is missing at character {at}")
    _require_end(decoded, at + 1)


def _decoded(text: bytes) -> str:
    require_shallow(text)
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise NotJsonError(f"it is not UTF-8: {error}") from None


def _value_at(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotJsonError(str(error)) from None


def _skip(text: str, start: int) -> int:
    """Where white space ends."""
    if text[start : start + 1] not in _SPACES:
        return start  # as nearly always
    space = _SPACE.match(text, start)
    return space.end() if space else start


def _require_end(text: str, end: int) -> None:
    if (at := _skip(text, end)) != len(text):
        raise NotJsonError(f"there is more behind its end, at character {at}")


def _refuse(constant: str) -> float:
    raise NotJsonError(f"{constant} is no JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=tuple, parse_int=float, parse_constant=_refuse)
