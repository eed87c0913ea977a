"""One search for the words of many hooks: most events hold none of them, and are wanted by none of the hooks.

RE2 remembers what it found out about a beginning of a word, so a search is quick once the words are known to it. It
cannot remember any number: with more words than fit in a gate, hostile ones would cost 0.1 ms for each byte of a text.
Pure. Used by `index.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Final

from app.hooks.matching.match import CompiledHook, Predicate
from app.hooks.matching.pattern import any_of
from app.hooks.matching.text import Text

_MANY: Final = 8  # hooks, from which one search for all of their words is quicker than one for each
_ROOM: Final = 2_000  # bytes of words behind one gate: then the worst words cost 10 ms once, and little from then on
_GATES: Final = 16  # for one subject

Asked = tuple[Predicate, CompiledHook]  # a hook, and whether it wants a text


@dataclass(frozen=True, slots=True)
class Group:
    """Hooks behind a gate: a text that does not pass is wanted by none of them."""

    gate: Predicate
    hooks: Sequence[Asked]


def groups(asked: Sequence[Asked]) -> tuple[Group, ...]:
    """Put hooks behind gates, as far as that helps."""
    packs = _packs(each for each in asked if 0 < _size(each[1].needs) <= _ROOM)
    if sum(len(pack.hooks) for pack in packs) < _MANY:
        packs = []
    gated = [Group(_one_of(tuple(sorted(pack.words))), pack.hooks) for pack in packs[:_GATES]]
    inside = {id(hook) for _, hook in chain.from_iterable(group.hooks for group in gated)}
    outside = [each for each in asked if id(each[1]) not in inside]
    return (*gated, Group(_everything, outside)) if outside else tuple(gated)


@dataclass(slots=True)
class _Pack:
    hooks: list[Asked] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    room: int = _ROOM


def _packs(asked: Iterable[Asked]) -> list[_Pack]:
    packs = [_Pack()]
    for each in asked:
        needs = each[1].needs
        if _size(needs - packs[-1].words) > packs[-1].room:
            packs.append(_Pack())
        pack = packs[-1]
        pack.room -= _size(needs - pack.words)
        pack.words |= needs
        pack.hooks.append(each)
    return packs


def _size(words: Iterable[str]) -> int:
    """In bytes."""
    return sum(len(word.encode()) for word in words)


class _Gate:
    """Passes a text that holds one of some words. Compiled when it is first asked, which takes a millisecond."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = words
        self._search: Predicate | None = None

    def __call__(self, text: Text) -> bool:
        if self._search is None:
            self._search = any_of(self._words).search
        return self._search(text)


@lru_cache(maxsize=64)
def _one_of(words: tuple[str, ...]) -> Predicate:
    return _Gate(words)


def _everything(_: object) -> bool:
    return True
