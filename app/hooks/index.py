"""From a subject to the hooks whose filter sees it. Pure, and made anew whenever a hook changes.

The filters stand in a tree, a level per token, so the time of a look-up depends on the subject's length and hardly on
the number of hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from app.events.subject import ANY, REST
from app.hooks.gate import Group, groups
from app.hooks.match import CompiledHook

_REMEMBERED: Final = 20_000  # subjects; a cluster has more objects that are quiet than that are busy


@dataclass(frozen=True, slots=True)
class Candidates:
    """The hooks whose filter sees a subject, by what it takes to know whether they want an event."""

    always: tuple[CompiledHook, ...]  # every event
    quick: tuple[Group, ...]  # by its text, in a time that is known beforehand
    slow: tuple[CompiledHook, ...]  # by its text, in a time that only has a bound
    cost: float  # nanoseconds that all of `quick` take for each byte of the text, at worst

    def __bool__(self) -> bool:
        return bool(self.always or self.quick or self.slow)


def candidates(hooks: Sequence[CompiledHook]) -> Candidates:
    """What it takes to know which of some hooks want an event on a subject that each of them sees."""
    reading = [(hook.wants, hook) for hook in hooks if hook.wants is not None]
    quick = [(wants, hook) for wants, hook in reading if isfinite(hook.cost)]
    return Candidates(
        always=tuple(hook for hook in hooks if hook.wants is None),
        quick=groups(quick),
        slow=tuple(hook for _, hook in reading if not isfinite(hook.cost)),
        cost=sum(hook.cost for _, hook in quick),
    )


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    here: list[CompiledHook] = field(default_factory=list)  # filters that end at this token
    rest: list[CompiledHook] = field(default_factory=list)  # filters that go on with `>`


class SubjectIndex:
    """The hooks of one moment."""

    def __init__(self, hooks: Iterable[CompiledHook] = ()) -> None:
        self._root = _Node()
        self._remembered: dict[str, Candidates] = {}
        self._of: dict[tuple[int, ...], Candidates] = {}  # by the identities of hooks: most subjects have the same
        for hook in hooks:
            self._add(hook)

    def find(self, subject: str) -> Candidates:
        """The hooks whose filter sees a subject."""
        found = self._remembered.get(subject)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
                self._of.clear()
            found = self._remembered[subject] = self._candidates(tuple(_walk(self._root, subject.split("."), 0)))
        return found

    def _candidates(self, hooks: tuple[CompiledHook, ...]) -> Candidates:
        same = tuple(map(id, hooks))
        if (found := self._of.get(same)) is None:
            found = self._of[same] = candidates(hooks)
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
    for token in dict.fromkeys((tokens[depth], ANY)):
        if child := node.children.get(token):
            yield from _walk(child, tokens, depth + 1)
