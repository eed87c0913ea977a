"""Pages of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from app.ingress.problems import ProblemError

PAGE_SIZE: Final = 10
MAX_PAGE_SIZE: Final = 1000
_MAX_PAGE: Final = 1_000_000


def page_of(items: Sequence[Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The page that `page` (from 1) and `page_size` ask for.

    Raises:
        ProblemError: one of them is not a number within bounds.
    """
    page = _number(query, "page", default=1, most=_MAX_PAGE)
    size = _number(query, "page_size", default=PAGE_SIZE, most=MAX_PAGE_SIZE)
    start = (page - 1) * size
    return {"page_size": size, "page": page, "list": items[start : start + size], "total": len(items)}


def _number(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= most:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"{name} is {text[:40]!r}: use a whole number from 1 to {most}")
    return int(text)
