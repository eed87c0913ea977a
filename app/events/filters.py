"""Values by filter, found by subject. Pure; hooks and tails are found with it.

The filters stand in a tree, a level per token, so the time of a look-up depends on the subject's length and hardly on
the number of filters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.events.subject import ANY, REST

Value = TypeVar("Value")


@dataclass(slots=True)
class _Node(Generic[Value]):
    children: dict[str, _Node[Value]] = field(default_factory=dict)
    here: list[Value] = field(default_factory=list)  # of filters that end at this token
    rest: list[Value] = field(default_factory=list)  # of filters that go on with `>`


class FilterTree(Generic[Value]):
    """Values, each behind a filter over subjects."""

    def __init__(self) -> None:
        self._root = _Node[Value]()

    def add(self, pattern: str, value: Value) -> None:
        *front, last = pattern.split(".")
        node = self._root
        for token in front:
            node = node.children.setdefault(token, _Node())
        if last == REST:
            node.rest.append(value)
        else:
            node.children.setdefault(last, _Node()).here.append(value)

    def find(self, subject: str) -> Iterator[Value]:
        """What stands behind each filter that sees a subject."""
        return _walk(self._root, subject.split("."), 0)


def _walk(node: _Node[Value], tokens: list[str], depth: int) -> Iterator[Value]:
    if depth == len(tokens):
        yield from node.here
        return
    yield from node.rest
    for token in dict.fromkeys((tokens[depth], ANY)):
        if child := node.children.get(token):
            yield from _walk(child, tokens, depth + 1)
