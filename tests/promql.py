"""What an expression of Prometheus asks for: which metrics, and which of their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser as promql


@dataclass(frozen=True)
class Used:
    """A metric in an expression, and the labels by which it is chosen or put together."""

    metric: str
    labels: frozenset[str]


def used(expression: str) -> set[Used]:
    """Raises ValueError where the expression cannot be read."""
    return set(_used(promql.parse(expression), frozenset()))


def _used(node: Any, grouped: frozenset[str]) -> Iterator[Used]:
    match node:
        case promql.VectorSelector():
            yield Used(str(node.name), grouped | {matcher.name for matcher in node.matchers.matchers})
        case promql.MatrixSelector():
            yield from _used(node.vector_selector, grouped)
        case promql.AggregateExpr():
            by = frozenset(node.modifier.labels if node.modifier else ())
            yield from _used(node.expr, grouped | by)
        case promql.BinaryExpr():
            on = frozenset(node.modifier.matching.labels if node.modifier and node.modifier.matching else ())
            yield from _used(node.lhs, grouped | on)
            yield from _used(node.rhs, grouped | on)
        case promql.Call():
            for argument in node.args:
                yield from _used(argument, grouped)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from _used(node.expr, grouped)
        case promql.NumberLiteral() | promql.StringLiteral():
            return
        case _:
            raise ValueError(f"{type(node).__name__} is not known here")
