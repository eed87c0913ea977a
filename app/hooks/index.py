"""From a subject to the hooks whose filter sees it. Pure, and made anew whenever a hook changes.

The filters stand in a tree, a level per token, so the time of a look-up depends on the subject's length and hardly on
the number of hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from app.events.subject import ANY, REST
from app.hooks.match import CompiledHook, Predicate
from app.hooks.pattern import any_of

_MANY: Final = 8  # hooks, from which one search for all of their words is quicker than one for each
_REMEMBERED: Final = 20_000  # subjects; a cluster has more objects that are quiet than that are busy


@dataclass(frozen=True, slots=True)
class Candidates:
    """The hooks whose filter sees a subject, by what it takes to know whether they want an event."""

    always: tuple[CompiledHook, ...]  # every event
    quick: tuple[tuple[Predicate, CompiledHook], ...]  # by its text, at once
    gate: Predicate  # a text that does not pass is wanted by none of `quick`
    slow: tuple[tuple[Predicate, CompiledHook], ...]  # by its text, in a time that only has a bound

    def __bool__(self) -> bool:
        return bool(self.always or self.quick or self.slow)


def _candidates(hooks: Iterable[CompiledHook]) -> Candidates:
    hooks = tuple(hooks)
    reading = [(hook.wants, hook) for hook in hooks if hook.wants is not None]
    quick = tuple((wants, hook) for wants, hook in reading if not hook.may_block)
    return Candidates(
        always=tuple(hook for hook in hooks if hook.wants is None),
        quick=quick,
        gate=_gate([hook for _, hook in quick]),
        slow=tuple((wants, hook) for wants, hook in reading if hook.may_block),
    )


def _gate(hooks: Sequence[CompiledHook]) -> Predicate:
    """Where many hooks look for words, one search for all of their words; most events hold none of them."""
    if len(hooks) < _MANY or not all(hook.needs for hook in hooks):
        return lambda _: True
    return _one_of(tuple(sorted({word for hook in hooks for word in hook.needs})))


@lru_cache(maxsize=64)
def _one_of(words: tuple[str, ...]) -> Predicate:
    try:
        return any_of(words).search
    except ValueError:  # more words than one pattern holds
        return lambda _: True


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
        for hook in hooks:
            self._add(hook)

    def find(self, subject: str) -> Candidates:
        """The hooks whose filter sees a subject."""
        found = self._remembered.get(subject)
        if found is None:
            found = _candidates(_walk(self._root, subject.split("."), 0))
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
    for token in dict.fromkeys((tokens[depth], ANY)):
        if child := node.children.get(token):
            yield from _walk(child, tokens, depth + 1)
