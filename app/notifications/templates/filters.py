"""Filters of templates that are ours, in place of those of Jinja2 that know no bounds. Pure."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import Environment, pass_environment

from app.notifications.templates.bounds import LONGEST, TemplateError, is_number, measured


def _replaced(text: Any, old: str, new: str) -> str:
    """`replace` that looks at what it would make before it does."""
    whole = str(text)
    if len(whole) + (whole.count(old) + (not old)) * len(new) > LONGEST:
        raise TemplateError(f"a value on the way is longer than {LONGEST}")
    return whole.replace(old, new)


@pass_environment
def _joined_by(environment: Environment, found: Iterable[Any], between: str = "", attribute: str | None = None) -> str:
    """`join` that looks at what it has made while it does."""
    parts: list[str] = []
    room = LONGEST
    for item in found:
        part = str(measured(environment.getitem(item, attribute) if attribute else item))
        room -= len(part) + len(between)
        if room < 0:
            raise TemplateError(f"a value on the way is longer than {LONGEST}")
        parts.append(part)
    return str(between).join(parts)


@pass_environment
def _summed(environment: Environment, found: Iterable[Any], attribute: str | None = None, start: float = 0) -> Any:
    """`sum` of numbers: lists could be summed to any length."""
    return sum((_number(environment.getitem(item, attribute) if attribute else item) for item in found), start)


def _number(value: Any) -> Any:
    if not is_number(value):
        raise TemplateError("sum is for numbers here")
    return value


def _rounded(value: float, precision: int = 0) -> float:
    """`round` to at most 15 places: of a thousand million the way there has no end."""
    return round(value, max(-15, min(precision, 15)))


def _without_tags(value: Any) -> str:
    """`striptags` in one pass: Jinja2's own copies the whole text for each tag."""
    first, *others = str(value).split("<")
    kept = [after if closed else f"<{part}" for part in others for part, closed, after in [part.partition(">")]]
    return html.unescape(" ".join("".join([first, *kept]).split()))


def _as_json(value: Any) -> str:
    """`tojson` as a message wants it: not escaped for HTML, and not indented."""
    return json.dumps(value, ensure_ascii=False)


OWN: Final[Mapping[str, Callable[..., Any]]] = {
    "replace": _replaced,
    "join": _joined_by,
    "striptags": _without_tags,
    "sum": _summed,
    "round": _rounded,
    "tojson": _as_json,
}
