"""Templates of receivers: Jinja2, of which only what is bounded by construction is let in. Pure.

What a template may be is decided when it is read: no calls, macros or imports, and of the filters those listed here.
What it does has a budget, of which loops take by the parts that they run, and filters and operators by the size of
what goes into them; texts, lists and numbers have bounds. So a template can neither take long nor fill the memory,
and needs no watch while it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import ChainableUndefined, Environment, TemplateSyntaxError, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.notifications.templates.bounds import (
    LONGEST,
    TemplateError,
    bounded_value,
    budget,
    counted,
    is_number,
    measured,
    within_bounds,
)
from app.notifications.templates.filters import OWN

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
TESTS: Final = frozenset(
    {
        *("boolean", "defined", "divisibleby", "eq", "even", "false", "float", "ge", "gt", "in", "integer", "iterable"),
        *("le", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sequence", "string", "true", "undefined"),
        *("upper", "==", "!=", "<", "<=", ">", ">=", "equalto", "greaterthan", "lessthan"),
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
    "data": {
        "title": "disk",
        "message": "the disk of node-a is full",
        "link": "https://example.com/node-a",
        "key": "node-a/disk",
        "cluster": "prod",
        "host": "node-a",
        "size": 5,
    },
    "count": 1,
    "items": [{"title": "disk", "message": "", "severity": "error", "times": 1, "resolved": False}],
}


# What Jinja2's own filters and operators raise at values that they cannot take.
_FAILURES: Final = (
    *(JinjaError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, AssertionError),
    *(RecursionError, MemoryError),
)


class Compiled:
    """A template, ready to be used."""

    def __init__(self, source: str) -> None:
        """Raises: TemplateError: it is none, or does what is not let in."""
        try:
            with budget():  # what is constant is worked out here already
                code = _environment.compile(_counting(_checked(_environment.parse(source))))
        except TemplateSyntaxError as error:
            raise TemplateError(f"line {error.lineno}: {error.message}") from None
        except (RecursionError, SyntaxError, MemoryError):  # Python's own, of what Jinja2 has made of it
            raise TemplateError("it is nested too deeply: make it flatter") from None
        self._template = _environment.template_class.from_code(_environment, code, {**_environment.globals})

    def render(self, values: Mapping[str, Any]) -> str:
        """What the template makes of values by the names in `NAMES`.

        Raises:
            TemplateError: it cannot be made of these.
        """
        try:
            with budget():
                return _joined(self._template.generate(**values))
        except TemplateError:
            raise
        except _FAILURES as error:
            raise TemplateError(f"{type(error).__name__}: {str(error)[:200]}") from None


@lru_cache(maxsize=1024)
def compiled(source: str) -> Compiled:
    """The template of a text that is in force; raises what `Compiled` does."""
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
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise _refused(node, f"the test {node.name} is not let in here: use one of {', '.join(sorted(TESTS))}")
        if isinstance(node, _LITERALS) and not _is_plain(node):  # a list of itself twice, 60 times, has no end
            raise _refused(node, "a list or dictionary may hold numbers and texts only")
        if isinstance(node, nodes.For) and node.recursive:
            raise _refused(node, "a recursive loop is not let in here")
    known = NAMES | _made(tree) | {"loop"}
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in known:
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
    """The template, in which each turn of a loop costs as many parts as the loop has, and what is compared its size."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _through("_counted", loop.iter, nodes.Const(sum(1 for _ in _all(loop))))
    for compare in tree.find_all(nodes.Compare):
        compare.expr = _through("_measured", compare.expr)
        for operand in compare.ops:
            operand.expr = _through("_measured", operand.expr)
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.arg, nodes.Slice):
            item.node = _through("_measured", item.node)
    return tree


def _through(name: str, node: nodes.Node, *args: nodes.Expr) -> nodes.Filter:
    """A value that goes through a filter of ours."""
    assert isinstance(node, nodes.Expr)  # noqa: S101 -- whatever a loop goes through, or is compared, is one
    return nodes.Filter(node, name, [*args], [], None, None, lineno=node.lineno, environment=node.environment)


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%", "/", "//", "-"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator in {"*", "%"} and not (is_number(left) and is_number(right)):
            raise TemplateError(f"{operator} is for numbers here")
        measured(left), measured(right)
        return bounded_value(super().call_binop(context, operator, left, right))


def _made_environment() -> Environment:
    found = _Sandbox(undefined=ChainableUndefined, autoescape=False, finalize=measured)
    applied = {**{name: found.filters[name] for name in FILTERS}, **OWN}
    ours = {"_counted": counted, "_measured": measured}
    found.filters = {**{name: within_bounds(apply) for name, apply in applied.items()}, **ours}
    tests: Mapping[str, Any] = found.tests
    found.tests = {name: within_bounds(tests[name]) for name in TESTS}
    found.globals.clear()
    return found


_environment: Final = _made_environment()
