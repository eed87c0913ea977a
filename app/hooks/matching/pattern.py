"""Keywords as patterns, each with a bound on what it may cost. Pure.

RE2 takes nearly every regular expression and needs time linear in the text; but the factor grows with the expression
and reaches 0.1 ms a byte, and nothing can interrupt it. So `cost` tells the worst beforehand. What RE2 refuses
(lookaround, backreferences) goes to `regex`, which has no bound but stops after a while. Both let other threads run
while they search; compiling does not, which is why expressions are kept small: the longest takes about 30 ms.
How the bounds were measured: `docs/decisions/0005-undecided-keywords-count-as-wanted.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, prod
from typing import Any, ClassVar, Final, Protocol

import re2  # type: ignore[import-untyped]  # the wheel has no types
import regex

from app.hooks.matching.text import Text

TIMEOUT: Final = 0.1  # seconds that one search may take before it counts against its hook
MAX_SIZE: Final = 30_000  # of all expressions of a hook together: 0.4 s to compile, 50 MiB with what RE2 remembers
MAX_CLASSES: Final = 50  # \p{…} in one expression: RE2 takes 0.13 ms to read one, and nobody else runs meanwhile
MAX_STEPS: Final = 5_000  # of an expression with lookaround, with its repetitions written out as `regex` does

# Nanoseconds a byte of text, at worst.
_CONTAINS: Final = 3.0
_EXACT: Final = 60.0
_LINEAR: Final = 600.0
_LINEAR_INSTRUCTION: Final = 8.0  # more for each instruction of the program

_SMALLEST: Final = 96 * 1024  # bytes for RE2: about 7,000 instructions fit in, and are compiled within 30 ms
_LARGEST: Final = 1024 * 1024
_INSTRUCTION: Final = 1024  # bytes for each instruction, to remember the states that it leads to
_CLASS: Final = 100  # instructions that are as much work to compile as one class

_UNICODE_CLASS = re.compile(r"\\[pP]")
_MINIMUM = re.compile(r"(\)?)\{(\d+)")  # of a repetition {3}, {3,} or {3,5}, of a group or of a single character
_COSTLY_FLAGS = re.compile(r"\(\?[a-zA-Z0-9-]*[fVx]")  # f and V1 multiply the work; x hides repetitions in comments


class Pattern(Protocol):
    """What is looked for in a text."""

    @property
    def cost(self) -> float:
        """Nanoseconds that a search takes for each byte of the text, at worst."""

    def search(self, text: Text) -> bool:
        """Raises: TimeoutError: it was undecided at the end of `TIMEOUT`; only where `cost` is infinite."""


@dataclass(frozen=True, slots=True)
class Contains:
    """A word anywhere in the text."""

    cost: ClassVar = _CONTAINS

    word: str

    def search(self, text: Text) -> bool:
        return self.word in text.plain


@dataclass(frozen=True, slots=True)
class Exact:
    """The whole text, or the whole value of one of its lines."""

    cost: ClassVar = _EXACT

    word: str

    def search(self, text: Text) -> bool:
        return self.word == text.plain or (self.word.strip() or None) in text.values


@dataclass(frozen=True, slots=True)
class Linear:
    """An expression that RE2 searches."""

    compiled: Any  # re2 has no types
    size: int  # instructions of the program

    @property
    def cost(self) -> float:
        return _LINEAR + _LINEAR_INSTRUCTION * self.size

    def search(self, text: Text) -> bool:
        return self.compiled.search(text.encoded) is not None


@dataclass(frozen=True, slots=True)
class Backtracking:
    """An expression with lookaround or backreferences. Search it in a thread: it may take up to `TIMEOUT`."""

    cost: ClassVar = inf

    compiled: regex.Pattern[str]
    size: int  # steps, with repetitions written out

    def search(self, text: Text) -> bool:
        """Raises: TimeoutError: it was undecided at the end of `TIMEOUT`."""
        return self.compiled.search(text.plain, timeout=TIMEOUT, concurrent=True) is not None


def keyword(word: str, match_type: str) -> Pattern:
    """The pattern of a keyword.

    Raises:
        ValueError: it is no regular expression, or one that is too large.
    """
    if match_type == "REGEX":
        return compile_pattern(word)
    return Exact(word) if match_type == "EXACT" else Contains(word)


@lru_cache(maxsize=1024)  # at most 1 MiB each
def compile_pattern(source: str) -> Linear | Backtracking:
    """Compile a regular expression in which `.` also matches newlines. Asked again, it gives the same one.

    Up to 30 ms in which no other thread runs; not for the event loop, where an expression is not known yet.

    Raises:
        ValueError: it is none, or too large; the message says why.
    """
    classes = len(_UNICODE_CLASS.findall(source))
    if classes > MAX_CLASSES:
        raise ValueError(f"it has {classes} classes \\p: at most {MAX_CLASSES} are taken")
    try:
        return _linear(source, classes)
    except re2.error as error:
        if "too large" in str(error):
            raise ValueError("it is too large: write fewer or shorter repetitions") from None
    return _backtracking(source)


def any_of(words: Iterable[str]) -> Linear:
    """A pattern that is found where one of the words is.

    Raises:
        ValueError: they are too many, or too long, for one pattern.
    """
    try:
        compiled = re2.compile("|".join(re2.escape(word) for word in words), _options(8 * _LARGEST))
    except re2.error as error:
        raise ValueError(str(error)) from None
    return Linear(compiled, compiled.programsize)


def _linear(source: str, classes: int) -> Linear:
    """The memory bounds the time to compile, so the first try is with little; a larger program then gets more."""
    compiled = re2.compile(source, _options(_SMALLEST))
    size = compiled.programsize
    if (memory := min(size * _INSTRUCTION, _LARGEST)) > _SMALLEST:
        compiled = re2.compile(source, _options(memory))
    _ = compiled.reverseprogramsize  # compiles what the first match would have to compile
    return Linear(compiled, size + _CLASS * classes)


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.never_capture = True  # where a group matched costs more to find than whether it did
    options.max_mem = memory  # bytes of the program and of the states that searches have met
    return options


def _backtracking(source: str) -> Backtracking:
    if _COSTLY_FLAGS.search(source):
        raise ValueError("the flags f, V and x are not taken in an expression with lookaround or backreferences")
    if (steps := _steps(source)) > MAX_STEPS:
        raise ValueError("it repeats too much: write fewer or shorter repetitions")
    try:
        return Backtracking(regex.compile(source, regex.DOTALL), steps)
    except regex.error as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("its groups are nested too deeply") from None


def _steps(source: str) -> int:
    """No fewer than an expression has when each repetition is written out as often as it must match at least.

    `regex` does write them out: `(?=a).{100000000}` takes all the memory there is.
    """
    found = [(group, int(least)) for group, least in _MINIMUM.findall(source)]
    singles = sum(least for group, least in found if not group)
    return (len(source) + singles) * prod(max(least, 1) for group, least in found if group)
