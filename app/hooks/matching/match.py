"""Whether an event's text fires a hook. Pure.

A hook is compiled into a predicate for the event loop, and into its keywords one by one for what may take long: there
some may stay undecided, and the hook is undecided only where they would have decided (Kleene's logic of three values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.delivery.delivery import Target
from app.hooks.hook import Hook
from app.hooks.matching.fuse import Fuse
from app.hooks.matching.pattern import Contains, Pattern, keyword
from app.hooks.matching.text import Text

_BEGINNING: Final = 16  # characters of a word by which it is looked for together with others

Predicate = Callable[[Text], bool]
Verdict = bool | None  # None: undecided


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of a hook."""

    place: str  # `include[2]`: names it to the user
    pattern: Pattern


Find = Callable[[Keyword], Verdict]


@dataclass(frozen=True, slots=True)
class CompiledHook:
    """A hook, ready to match."""

    hook: Hook
    target: Target
    wants: Predicate | None  # given the text of an event on its subject, where `cost` is bearable; None: every event
    include: tuple[Keyword, ...]  # the cheapest first
    exclude: tuple[Keyword, ...]
    cost: float  # nanoseconds that `wants` takes for each byte of the text, at worst; infinite: it must not be called
    needs: frozenset[str]  # where given: `wants` is false of a text that holds none of these
    fuse: Fuse = field(default_factory=Fuse, compare=False)

    def verdict(self, find: Find) -> Verdict:
        """Whether the hook wants an event, by a search that may leave a keyword undecided."""
        excluded = _one(map(find, self.exclude))
        if excluded:
            return False
        enough = _every if self.hook.spec.keywords.match_mode == "ALL" else _one
        included = enough(map(find, self.include)) if self.include else True
        return None if included and excluded is None else included


def compile_hook(hook: Hook) -> CompiledHook:
    """Compile a hook.

    Raises:
        ValueError: a keyword is no regular expression; never where the hook was validated.
    """
    keywords = hook.spec.keywords
    include = _keywords("include", keywords.include, keywords.match_type)
    exclude = _keywords("exclude", keywords.exclude, keywords.match_type)
    joined = _all if keywords.match_mode == "ALL" else _any
    return CompiledHook(
        hook=hook,
        target=hook.target,
        wants=_both(joined(include), _any(exclude)),
        include=include,
        exclude=exclude,
        cost=sum(each.pattern.cost for each in (*include, *exclude)),
        needs=frozenset(each.pattern.word[:_BEGINNING] for each in include if isinstance(each.pattern, Contains)),
    )


def _keywords(place: str, words: Sequence[str], match_type: str) -> tuple[Keyword, ...]:
    found = (Keyword(f"{place}[{number}]", keyword(word, match_type)) for number, word in enumerate(words))
    return tuple(sorted(found, key=lambda each: each.pattern.cost))


def _one(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether one is true; asks no further once one is."""
    found: Verdict = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            found = None
    return found


def _every(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether all are true; asks no further once one is false."""
    return _not(_one(map(_not, verdicts)))


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _any(keywords: Sequence[Keyword]) -> Predicate | None:
    searches = [each.pattern.search for each in keywords]
    if len(searches) <= 1:
        return searches[0] if searches else None
    words = [each.pattern.word for each in keywords if isinstance(each.pattern, Contains)]
    if len(words) == len(keywords):
        return lambda text: _holds_one(words, text.plain)
    return lambda text: any(found(text) for found in searches)


def _all(keywords: Sequence[Keyword]) -> Predicate | None:
    searches = [each.pattern.search for each in keywords]
    if len(searches) <= 1:
        return searches[0] if searches else None
    return lambda text: all(found(text) for found in searches)


def _holds_one(words: Sequence[str], text: str) -> bool:
    for word in words:  # noqa: SIM110 -- a plain loop: it runs for every event on every hook that sees its subject
        if word in text:
            return True
    return False


def _both(included: Predicate | None, excluded: Predicate | None) -> Predicate | None:
    if excluded is None:
        return included
    if included is None:
        return lambda text: not excluded(text)
    return lambda text: not excluded(text) and included(text)
