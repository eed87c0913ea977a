"""From a subject to the hooks whose filter sees it. Pure, and made anew whenever a hook changes.

The filters stand in a tree, a level per token, so the time of a look-up depends on the subject's length and hardly on
the number of hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from app.events.subject import ANY, REST
from app.hooks.match import CompiledHook

_REMEMBERED: Final = 20_000  # subjects; a cluster has more objects that are quiet than that are busy


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    here: list[CompiledHook] = field(default_factory=list)  # filters that end at this token
    rest: list[CompiledHook] = field(default_factory=list)  # filters that go on with `>`


class SubjectIndex:
    """The hooks of one moment."""

    def __init__(self, hooks: Iterable[CompiledHook] = ()) -> None:
        self._root = _Node()
        self._remembered: dict[str, tuple[CompiledHook, ...]] = {}
        for hook in hooks:
            self._add(hook)

    def find(self, subject: str) -> tuple[CompiledHook, ...]:
        """The hooks whose filter sees a subject."""
        found = self._remembered.get(subject)
        if found is None:
            found = tuple(_walk(self._root, subject.split("."), 0))
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[subject] = found
        return found

    def _add(self, hook: CompiledHook) -> None:
        *front, last = hook.hook.spec.subject.split(".")
        node = self._root
        for token in front:
            node = node.children.setdefault(token, _Node())
        if last == REST:
            node.rest.append(hook)
        else:
            node.children.setdefault(last, _Node()).here.append(hook)


def _walk(node: _Node, tokens: list[str], depth: int) -> Iterator[CompiledHook]:
    if depth == len(tokens):
        yield from node.here
        return
    yield from node.rest
    for token in (tokens[depth], ANY):
        if child := node.children.get(token):
            yield from _walk(child, tokens, depth + 1)
