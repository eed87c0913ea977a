"""From a subject to the hooks whose filter sees it. Pure, and made anew whenever a hook changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from app.events import canary
from app.events.filters import FilterTree
from app.hooks.matching.gate import Group, groups
from app.hooks.matching.match import CompiledHook

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


class SubjectIndex:
    """The hooks of one moment."""

    def __init__(self, hooks: Iterable[CompiledHook] = ()) -> None:
        self._tree = FilterTree[CompiledHook]()
        self._remembered: dict[str, Candidates] = {}
        self._of: dict[tuple[int, ...], Candidates] = {}  # by the identities of hooks: most subjects have the same
        for hook in hooks:
            self._tree.add(hook.hook.spec.subject, hook)

    def find(self, subject: str) -> Candidates:
        """The hooks whose filter sees a subject; a canary fires none."""
        found = self._remembered.get(subject)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
                self._of.clear()
            hooks = () if canary.is_one(subject) else tuple(self._tree.find(subject))
            found = self._remembered[subject] = self._candidates(hooks)
        return found

    def _candidates(self, hooks: tuple[CompiledHook, ...]) -> Candidates:
        same = tuple(map(id, hooks))
        if (found := self._of.get(same)) is None:
            found = self._of[same] = candidates(hooks)
        return found
