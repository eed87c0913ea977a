"""Pages of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from app.ingress.problems import ProblemError

PAGE_SIZE: Final = 10
MAX_PAGE_SIZE: Final = 1000
MAX_PAGE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which page of a list is wanted."""

    number: int  # from 1
    size: int

    @property
    def start(self) -> int:
        """How many items stand before it."""
        return (self.number - 1) * self.size

    def holding(self, items: Sequence[Any], total: int) -> dict[str, Any]:
        """The page, with its items, of a list that has so many in all."""
        return {"page_size": self.size, "page": self.number, "list": items, "total": total}


def bounds(query: Mapping[str, str]) -> Bounds:
    """The page that `page` (from 1) and `page_size` ask for.

    Raises:
        ProblemError: one of them is not a number within bounds.
    """
    number = _number(query, "page", default=1, most=MAX_PAGE)
    return Bounds(number, _number(query, "page_size", default=PAGE_SIZE, most=MAX_PAGE_SIZE))


def page_of(items: Sequence[Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The page of a list that is there as a whole; raises what `bounds` does."""
    wanted = bounds(query)
    return wanted.holding(items[wanted.start : wanted.start + wanted.size], len(items))


def _number(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= most:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is {text[:40]!r}: use a whole number from 1 to {most}")
    return int(text)
