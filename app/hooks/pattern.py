"""Keywords as compiled patterns, with a bound on the time each may take.

RE2 runs in linear time and takes nearly every pattern. What it refuses (lookahead, backreferences) goes to `regex`
with a timeout, in a thread, where a pattern that explodes cannot hold up the event loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # the wheel has no types
import regex

TIMEOUT: Final = 0.1  # seconds that one backtracking search may take

_OPTIONS = re2.Options()
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False


@dataclass(frozen=True, slots=True)
class Linear:
    """A pattern that RE2 searches in time linear in the text."""

    compiled: Any  # re2 has no types

    def search(self, text: str) -> bool:
        return self.compiled.search(text) is not None


@dataclass(frozen=True, slots=True)
class Backtracking:
    """A pattern with lookaround or backreferences. Search it in a thread: it may take up to `TIMEOUT`."""

    compiled: regex.Pattern[str]

    def search(self, text: str) -> bool:
        """Raises: TimeoutError: it was undecided at the end of `TIMEOUT`."""
        return self.compiled.search(text, timeout=TIMEOUT, concurrent=True) is not None


Pattern = Linear | Backtracking


@lru_cache(maxsize=4096)
def compile_pattern(source: str) -> Pattern:
    """Compile a regular expression in which `.` also matches newlines. Asked again, it gives the same one.

    Raises:
        ValueError: it is none; the message is the parser's.
    """
    try:
        return Linear(re2.compile(source, _OPTIONS))
    except re2.error:
        pass
    try:
        return Backtracking(regex.compile(source, regex.DOTALL))
    except regex.error as error:
        raise ValueError(str(error)) from None


def any_of(words: Iterable[str]) -> Linear:
    """A pattern that is found where one of the words is.

    Raises:
        ValueError: they are too many, or too long, for one pattern.
    """
    try:
        return Linear(re2.compile("|".join(re2.escape(word) for word in words), _OPTIONS))
    except re2.error as error:
        raise ValueError(str(error)) from None
