"""Times as people write them: `30s`, `5m`, `4h`, `1d`, or a number of seconds. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_WRITTEN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAY: Final = 86400.0
_PLACES: Final = 3  # what is written has to be read again as the same: a millisecond is the least


def seconds(given: Any) -> float:
    """Read a time.

    Raises:
        ValueError: it is none.
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        return round(float(given), _PLACES)
    found = _WRITTEN.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise ValueError("must be a time such as 30s, 5m or 4h")
    return round(float(found[1]) * _UNITS[found[2]], _PLACES)


def written(given: float) -> str:
    """A time in seconds as people write it, in the largest unit that needs no fraction."""
    for unit in ("d", "h", "m", "s"):
        if given and given % _UNITS[unit] == 0:
            return f"{given / _UNITS[unit]:.0f}{unit}"
    return f"{given:.{_PLACES}f}".rstrip("0").rstrip(".") + "s"


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0, le=_DAY, allow_inf_nan=False),
    PlainSerializer(written, return_type=str),
    WithJsonSchema(
        {
            "description": "A time, such as 5m, or a number of seconds.",
            "anyOf": [
                {"type": "string", "pattern": r"^\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)$"},
                {"type": "number", "minimum": 0, "maximum": _DAY},
            ],
            "examples": ["30s", "5m"],
        }
    ),
]
"""Seconds, at most a day: so long is everything kept."""
