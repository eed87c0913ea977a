"""Templates of receivers: Jinja2, of which only what is bounded by construction is let in. Pure.

What a template may be is decided when it is read: no calls, macros or imports, and of the filters those listed here.
What it does has a budget, of which loops take by the parts that they run, and filters and operators by the size of
what goes into them; texts, lists and numbers have bounds. So a template can neither take long nor fill the memory,
and needs no watch while it runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from jinja2 import ChainableUndefined, Environment, TemplateSyntaxError, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST: Final = 65_536  # characters of what comes out, and of any text or list on the way
BUDGET: Final = 100_000  # parts of a template that its loops may run, and measures of what filters are given
_MEASURE: Final = 64  # characters or items that cost as much as a part
_GREATEST: Final = 10**15  # number on the way

NAMES: Final = frozenset(
    {
        *("title", "message", "severity", "link", "key", "resolved", "source", "fields"),
        *("provider", "channel", "subject", "data", "count", "items"),
    }
)
FILTERS: Final = frozenset(
    {
        *("abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "int"),
        *("items", "join", "last", "length", "list", "lower", "max", "min", "reject", "rejectattr", "replace"),
        *("reverse", "round", "select", "selectattr", "sort", "string", "striptags", "sum", "title", "tojson"),
        *("trim", "truncate", "unique", "upper", "urlencode", "wordcount", "map"),
    }
)
_WITH_FILTERS: Final = frozenset({"map"})  # take other filters, by name
_LITERALS: Final = (nodes.List, nodes.Tuple, nodes.Dict)

_NODES: Final = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Assign),
    *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And),
    *(nodes.Or, nodes.Not, nodes.CondExpr, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Add, nodes.Sub),
    *(nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Keyword),
)

SAMPLE: Final[Mapping[str, Any]] = {
    "title": "disk",
    "message": "the disk of node-a is full",
    "severity": "error",
    "link": "https://example.com/node-a",
    "key": "node-a/disk",
    "resolved": False,
    "source": "prod",
    "fields": {"host": "node-a"},
    "provider": "ksyun",
    "channel": "disk",
    "subject": "ops.notifications.providers.ksyun.channels.disk.severities.error",
    "data": {"title": "disk", "host": "node-a", "size": 5},
    "count": 1,
    "items": [{"title": "disk", "message": "", "severity": "error", "times": 1, "resolved": False}],
}


class TemplateError(ValueError):
    """A template that cannot be used, or not with these values; the message says why, and where as far as is known."""


_left: ContextVar[int] = ContextVar("budget")


@contextmanager
def _budget() -> Iterator[None]:
    before = _left.set(BUDGET)
    try:
        yield
    finally:
        _left.reset(before)


def _spend(cost: int) -> None:
    left = _left.get() - cost
    if left < 0:
        raise TemplateError("it goes on for too long: go through less")
    _left.set(left)


class Compiled:
    """A template, ready to be used."""

    def __init__(self, source: str) -> None:
        """Raises: TemplateError: it is none, or does what is not let in."""
        try:
            with _budget():  # what is constant is worked out here already
                code = _environment.compile(_counting(_checked(_environment.parse(source))))
        except TemplateSyntaxError as error:
            raise TemplateError(f"line {error.lineno}: {error.message}") from None
        self._template = _environment.template_class.from_code(_environment, code, {**_environment.globals})

    def render(self, values: Mapping[str, Any]) -> str:
        """What the template makes of values by the names in `NAMES`.

        Raises:
            TemplateError: it cannot be made of these.
        """
        try:
            with _budget():
                return _joined(self._template.generate(**values))
        except TemplateError:
            raise
        except (JinjaError, TypeError, ValueError, ArithmeticError, KeyError, AttributeError, RecursionError) as error:
            raise TemplateError(f"{type(error).__name__}: {str(error)[:200]}") from None


@lru_cache(maxsize=1024)
def compiled(source: str) -> Compiled:
    """The template of a text; raises what `Compiled` does."""
    return Compiled(source)


def _joined(parts: Iterable[str]) -> str:
    found: list[str] = []
    room = LONGEST
    for part in parts:
        room -= len(part)
        if room < 0:
            raise TemplateError(f"what comes out is longer than {LONGEST} characters")
        found.append(part)
    return "".join(found)


def _checked(tree: nodes.Template) -> nodes.Template:
    for node in _all(tree):
        if not isinstance(node, _NODES):
            raise _refused(node, f"{_called(node)} is not let in here")
        if isinstance(node, nodes.Filter):
            _check_filter(node)
        if isinstance(node, _LITERALS) and not _is_plain(node):  # a list of itself twice, 60 times, has no end
            raise _refused(node, "a list or dictionary may hold numbers and texts only")
        if isinstance(node, nodes.For) and node.recursive:
            raise _refused(node, "a recursive loop is not let in here")
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in NAMES | _made(tree) | {"loop"}:
            raise _refused(name, f"there is no {name.name}: there are {', '.join(sorted(NAMES))}")
    return tree


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _all(child)


def _made(tree: nodes.Template) -> set[str]:
    """Names that the template makes itself, by `set` and `for`."""
    return {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}


def _is_plain(literal: nodes.Node) -> bool:
    """Whether it holds constants alone, or is what a loop fills."""
    if getattr(literal, "ctx", "load") == "store":
        return True
    return all(isinstance(node, nodes.Const | nodes.Pair | nodes.TemplateData) for node in [*_all(literal)][1:])


def _check_filter(node: nodes.Filter) -> None:
    names = {node.name}
    if node.name in _WITH_FILTERS:
        names |= {arg.value for arg in node.args[:1] if isinstance(arg, nodes.Const)}
        if node.args and not isinstance(node.args[0], nodes.Const):
            raise _refused(node, "map wants the name of a filter as it stands")
    for name in names - FILTERS:
        raise _refused(node, f"the filter {name} is not let in here: use one of {', '.join(sorted(FILTERS))}")


def _refused(node: nodes.Node, why: str) -> TemplateError:
    return TemplateError(f"line {node.lineno}: {why}")


def _called(node: nodes.Node) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(node).__name__).lower()


def _counting(tree: nodes.Template) -> nodes.Template:
    """The template, each turn of whose loops costs as many parts as the loop has."""
    for loop in tree.find_all(nodes.For):
        cost = nodes.Const(sum(1 for _ in _all(loop)))
        loop.iter = nodes.Filter(
            loop.iter, "_counted", [cost], [], None, None, lineno=loop.lineno, environment=loop.environment
        )
    return tree


def _counted(found: Any, cost: int) -> Iterator[Any]:
    for item in found:
        _spend(cost)
        yield item


def _measured(value: Any) -> Any:
    """A value that goes into a filter, an operator or what comes out: its size is taken from the budget."""
    if isinstance(value, str):
        _spend(1 + len(value) // _MEASURE)
    elif isinstance(value, Mapping):
        _spend(1)
        for name, inner in value.items():
            _measured(name), _measured(inner)
    elif isinstance(value, list | tuple):
        _spend(1)
        for inner in value:
            _measured(inner)
    else:
        _spend(1)
    return value


def _bounded(value: Any) -> Any:
    """A value on the way, as long as it is small enough."""
    if isinstance(value, str | list | tuple | dict) and len(value) > LONGEST:
        raise TemplateError(f"a value on the way is longer than {LONGEST}")
    if isinstance(value, int | float) and abs(value) > _GREATEST:
        raise TemplateError("a number on the way is too great")
    return value


def _within_bounds(apply: Callable[..., Any]) -> Callable[..., Any]:
    def bounded(*args: Any, **kwargs: Any) -> Any:
        for given in (*args, *kwargs.values()):
            _measured(given)
        return _bounded(apply(*args, **kwargs))

    for name in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(apply, name):
            setattr(bounded, name, getattr(apply, name))
    return bounded


def _replaced(text: Any, old: str, new: str) -> str:
    """`replace` that looks at what it would make before it does."""
    whole = str(text)
    if len(whole) + (whole.count(old) + (not old)) * len(new) > LONGEST:
        raise TemplateError(f"a value on the way is longer than {LONGEST}")
    return whole.replace(old, new)


def _joined_by(found: Iterable[Any], between: str = "", attribute: str | None = None) -> str:
    """`join` that looks at what it has made while it does."""
    parts: list[str] = []
    room = LONGEST
    for item in found:
        part = str(_measured(_environment.getitem(item, attribute) if attribute else item))
        room -= len(part) + len(between)
        if room < 0:
            raise TemplateError(f"a value on the way is longer than {LONGEST}")
        parts.append(part)
    return str(between).join(parts)


def _summed(found: Iterable[Any], attribute: str | None = None, start: float = 0) -> Any:
    """`sum` of numbers: lists could be summed to any length."""
    return sum((_number(_environment.getitem(item, attribute) if attribute else item) for item in found), start)


def _number(value: Any) -> Any:
    if not _is_number(value):
        raise TemplateError("sum is for numbers here")
    return value


def _rounded(value: float, precision: int = 0) -> float:
    """`round` to at most 15 places: of a thousand million the way there has no end."""
    return round(value, max(-15, min(precision, 15)))


def _as_json(value: Any) -> str:
    """`tojson` as a message wants it: not escaped for HTML, and not indented."""
    return json.dumps(value, ensure_ascii=False)


_OWN: Final[Mapping[str, Callable[..., Any]]] = {
    "replace": _replaced,
    "join": _joined_by,
    "sum": _summed,
    "round": _rounded,
    "tojson": _as_json,
}


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%", "/", "//", "-"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator in {"*", "%"} and not (_is_number(left) and _is_number(right)):
            raise TemplateError(f"{operator} is for numbers here")
        _measured(left), _measured(right)
        return _bounded(super().call_binop(context, operator, left, right))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _made_environment() -> Environment:
    found = _Sandbox(undefined=ChainableUndefined, autoescape=False, finalize=_measured)
    applied = {**{name: found.filters[name] for name in FILTERS}, **_OWN}
    found.filters = {**{name: _within_bounds(apply) for name, apply in applied.items()}, "_counted": _counted}
    found.globals.clear()
    return found


_environment: Final = _made_environment()
