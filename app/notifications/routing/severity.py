"""How bad something is. Pure."""

from __future__ import annotations

from typing import Final

ORDER: Final = ("debug", "info", "warning", "error", "critical")


def same(one: str, other: str) -> bool:
    """Whether two severities are the same, however they are written."""
    return one.casefold() == other.casefold()


def is_at_least(severity: str, bound: str) -> bool:
    """Whether a severity reaches a bound, which is one of `ORDER`. One that is not there reaches none."""
    return severity.casefold() in ORDER[ORDER.index(bound) :]
