"""What a template may use while it runs: a budget, and bounds of what comes out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

LONGEST: Final = 65_536  # characters of what comes out, and of any text or list on the way
BUDGET: Final = 100_000  # parts of a template that its loops may run, and measures of what filters are given
_MEASURE: Final = 64  # characters or items that cost as much as a part
_GREATEST: Final = 10**15  # number on the way


class TemplateError(ValueError):
    """A template that cannot be used, or not with these values; the message says why, and where as far as is known."""


_left: ContextVar[int] = ContextVar("budget")


@contextmanager
def budget() -> Iterator[None]:
    """While this lasts `BUDGET` may be spent, whatever was left before."""
    before = _left.set(BUDGET)
    try:
        yield
    finally:
        _left.reset(before)


def spend(cost: int) -> None:
    """Raises: TemplateError: nothing is left."""
    left = _left.get() - cost
    if left < 0:
        raise TemplateError("it goes on for too long: go through less")
    _left.set(left)


def counted(found: Any, cost: int) -> Iterator[Any]:
    """What a loop goes through, of which each turn has a cost."""
    for item in found:
        spend(cost)
        yield item


def measured(value: Any) -> Any:
    """A value that goes into a filter, an operator or what comes out: its size is taken from the budget."""
    if isinstance(value, str):
        spend(1 + len(value) // _MEASURE)
    elif isinstance(value, Mapping):
        spend(1)
        for name, inner in value.items():
            measured(name), measured(inner)
    elif isinstance(value, list | tuple):
        spend(1)
        for inner in value:
            measured(inner)
    else:
        spend(1)
    return value


def bounded_value(value: Any) -> Any:
    """A value on the way, as long as it is small enough."""
    if isinstance(value, str | list | tuple | dict) and len(value) > LONGEST:
        raise TemplateError(f"a value on the way is longer than {LONGEST}")
    if isinstance(value, int | float) and abs(value) > _GREATEST:
        raise TemplateError("a number on the way is too great")
    return value


def within_bounds(apply: Callable[..., Any]) -> Callable[..., Any]:
    """A filter, or a test, that pays for what goes into it, and makes nothing that is too large."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        for given in (*args, *kwargs.values()):
            measured(given)
        return bounded_value(apply(*args, **kwargs))

    for name in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(apply, name):
            setattr(bounded, name, getattr(apply, name))
    return bounded


def is_number(value: Any) -> bool:
    return isinstance(value, int | float)
