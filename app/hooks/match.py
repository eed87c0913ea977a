"""Whether an event's text fires a hook: a hook's keywords become a predicate over text.

Pure, but for a pattern that ran out of time, which rests for a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.delivery.delivery import Target
from app.hooks.hook import Hook, Keywords
from app.hooks.pattern import Backtracking, Pattern, compile_pattern

log = logging.getLogger(__name__)

REST_SECONDS: Final = 30.0  # that a pattern is left alone after it ran out of time

Predicate = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class CompiledHook:
    """A hook, ready to match."""

    hook: Hook
    target: Target
    wants: Predicate | None  # given the readable text of an event on its subject; None: every event there
    may_block: bool  # `wants` may take long: call it in a thread
    needs: tuple[str, ...]  # where given: `wants` is false of a text that holds none of these


def compile_hook(hook: Hook) -> CompiledHook:
    keywords = hook.spec.keywords
    enough = _all if keywords.match_mode == "ALL" else _any
    included = enough(keywords.include, keywords.match_type, undecided=True)
    excluded = _any(keywords.exclude, keywords.match_type, undecided=False)
    needs = keywords.include if keywords.match_type == "CONTAINS" else ()
    return CompiledHook(hook, hook.target, _both(included, excluded), _may_block(keywords), needs)


def _any(words: Sequence[str], match_type: str, *, undecided: bool) -> Predicate | None:
    if match_type == "CONTAINS" and len(words) > 1:
        return lambda text: _holds_one(words, text)
    predicates = [_predicate(word, match_type, undecided=undecided) for word in words]
    return predicates[0] if len(predicates) == 1 else _or(predicates)


def _all(words: Sequence[str], match_type: str, *, undecided: bool) -> Predicate | None:
    predicates = [_predicate(word, match_type, undecided=undecided) for word in words]
    return predicates[0] if len(predicates) == 1 else _and(predicates)


def _holds_one(words: Sequence[str], text: str) -> bool:
    for word in words:  # noqa: SIM110 -- a plain loop: it runs for every event on every hook that sees its subject
        if word in text:
            return True
    return False


def _or(predicates: Sequence[Predicate]) -> Predicate | None:
    return (lambda text: any(found(text) for found in predicates)) if predicates else None


def _and(predicates: Sequence[Predicate]) -> Predicate | None:
    return (lambda text: all(found(text) for found in predicates)) if predicates else None


def _predicate(word: str, match_type: str, *, undecided: bool) -> Predicate:
    if match_type == "REGEX":
        return _searches(compile_pattern(word), undecided=undecided)
    if match_type == "EXACT":
        return lambda text: word == text or word.strip() in {text.strip(), *_values(text)} - {""}
    return lambda text: word in text


def _values(text: str) -> Iterable[str]:
    """The values of the lines `key: value `."""
    return (line.partition(": ")[2].rstrip() for line in text.splitlines())


def _both(included: Predicate | None, excluded: Predicate | None) -> Predicate | None:
    if excluded is None:
        return included
    if included is None:
        return lambda text: not excluded(text)
    return lambda text: not excluded(text) and included(text)


def _searches(pattern: Pattern, *, undecided: bool) -> Predicate:
    return _Guarded(pattern, undecided=undecided) if isinstance(pattern, Backtracking) else pattern.search


class _Guarded:
    """A search that may run out of time: then the event counts as wanted, and for a while no other is searched.

    An operator would rather get an event too many than miss one, and than wait for a pattern that explodes.
    """

    def __init__(self, pattern: Backtracking, *, undecided: bool) -> None:
        self._pattern = pattern
        self._undecided = undecided
        self._rests_until = 0.0

    def __call__(self, text: str) -> bool:
        if time.monotonic() < self._rests_until:
            return self._undecided
        try:
            return self._pattern.search(text)
        except TimeoutError:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning(
                "a keyword's regular expression ran out of time: for %.0f s every event counts as wanted by it;"
                " write it without nested repetition",
                REST_SECONDS,
            )
            return self._undecided


def _may_block(keywords: Keywords) -> bool:
    if keywords.match_type != "REGEX":
        return False
    return any(isinstance(compile_pattern(word), Backtracking) for word in (*keywords.include, *keywords.exclude))
