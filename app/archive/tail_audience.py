"""From a subject to the tails whose filter sees it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.archive.tail import Tail
from app.events.filters import FilterTree

_REMEMBERED: Final = 20_000  # subjects


class Audience:
    """The tails that follow the stream. Those of one filter stand together."""

    def __init__(self) -> None:
        self._by_filter: dict[str, set[Tail]] = {}
        self._tree: FilterTree[set[Tail]] | None = None  # made anew when it is next asked
        self._remembered: dict[str, Sequence[set[Tail]]] = {}

    def add(self, tail: Tail) -> None:
        if tail.pattern not in self._by_filter:
            self._by_filter[tail.pattern] = set()
            self._tree = None
        self._by_filter[tail.pattern].add(tail)

    def discard(self, tail: Tail) -> None:
        group = self._by_filter.get(tail.pattern, set())
        group.discard(tail)
        if not group:
            self._by_filter.pop(tail.pattern, None)
            self._tree = None

    def __contains__(self, tail: Tail) -> bool:
        return tail in self._by_filter.get(tail.pattern, ())

    def __iter__(self) -> Iterator[Tail]:
        return (tail for group in self._by_filter.values() for tail in group)

    def of(self, subject: str) -> Iterable[set[Tail]]:
        """The tails whose filter sees a subject, those of one filter together."""
        tree = self._tree or self._made()
        found = self._remembered.get(subject)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[subject] = tuple(tree.find(subject))
        return found

    def _made(self) -> FilterTree[set[Tail]]:
        self._remembered.clear()
        self._tree = FilterTree()
        for pattern, group in self._by_filter.items():
            self._tree.add(pattern, group)
        return self._tree
