"""Reading JSON that may hold anything: what is not of the type that is wanted is not there. Pure.

`events.py` and `resources.py` read objects of the API with it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")
_INT64: Final = 1 << 63  # beyond it lies no number of a Kubernetes field
_NOTHING: Final[Mapping[str, Any]] = {}


def table(value: object) -> Mapping[str, Any]:
    """A map; an empty one for anything else."""
    return value if isinstance(value, dict) else _NOTHING


def items(value: object) -> Sequence[Any]:
    """A list; an empty one for anything else."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str | None:
    """A text. Half a surrogate pair, which JSON can spell but no event can carry, becomes a replacement character."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def first_text(source: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that holds a text which is not empty."""
    for name in names:
        if found := text(source.get(name)):
            return found
    return None


def spelled(value: object) -> str | None:
    """A text, or a number or a truth value as JSON spells it."""
    return json.dumps(value) if isinstance(value, int | float) else text(value)


def whole(value: object) -> int | None:
    """A whole number, also one that is written as a text (`"22"`) or with a fraction of nothing (`22.0`)."""
    if isinstance(value, str):
        digits = value.strip()
        value = int(digits) if _WHOLE.fullmatch(digits) else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_INT64 <= value < _INT64 else None


def moment(value: object) -> dt.datetime | None:
    """A time in RFC 3339, in UTC, to the microsecond.

    Without a zone nobody knows when it was; the year 1 is how Go writes that there is no time.
    """
    if not isinstance(value, str):
        return None
    try:
        found = dt.datetime.fromisoformat(value)
        return found.astimezone(dt.UTC) if found.tzinfo is not None and found.year > 1 else None
    except (ValueError, OverflowError):  # no time, or one at the end of the calendar
        return None
