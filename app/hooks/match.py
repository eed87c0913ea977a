"""Whether an event's text fires a hook. Pure: a hook's keywords become a predicate over text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.hooks.hook import Hook, Keywords
from app.hooks.pattern import Backtracking, Pattern, compile_pattern

log = logging.getLogger(__name__)

Predicate = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class CompiledHook:
    """A hook, ready to match."""

    hook: Hook
    wants: Predicate  # given the readable text of an event on the hook's subject
    reads_text: bool  # false where every event on the subject fires it
    may_block: bool  # `wants` may take long: call it in a thread


def compile_hook(hook: Hook) -> CompiledHook:
    keywords = hook.spec.keywords
    include = [_predicate(word, keywords.match_type, undecided=True) for word in keywords.include]
    exclude = [_predicate(word, keywords.match_type, undecided=False) for word in keywords.exclude]
    enough = all if keywords.match_mode == "ALL" else any

    def wants(text: str) -> bool:
        if any(found(text) for found in exclude):
            return False
        return not include or enough(found(text) for found in include)

    return CompiledHook(hook, wants, reads_text=bool(include or exclude), may_block=_may_block(keywords))


def _predicate(word: str, match_type: str, *, undecided: bool) -> Predicate:
    if match_type == "REGEX":
        return _searches(compile_pattern(word), undecided=undecided)
    if match_type == "EXACT":
        return lambda text: word == text.strip() or word in _values(text)
    return lambda text: word in text


def _values(text: str) -> Iterable[str]:
    """The values of the lines `key: value `."""
    return (line.partition(": ")[2].rstrip() for line in text.splitlines())


def _searches(pattern: Pattern, *, undecided: bool) -> Predicate:
    if not isinstance(pattern, Backtracking):
        return pattern.search

    def search(text: str) -> bool:
        try:
            return pattern.search(text)
        except TimeoutError:
            # An operator would rather get an event too many than miss one.
            log.warning("a keyword's regular expression ran out of time; the event is treated as wanted")
            return undecided

    return search


def _may_block(keywords: Keywords) -> bool:
    if keywords.match_type != "REGEX":
        return False
    return any(isinstance(compile_pattern(word), Backtracking) for word in (*keywords.include, *keywords.exclude))
