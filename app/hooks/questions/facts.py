"""What is found out of an event and a hook. Pure: `explain.py` finds it out, `verdict.py` says what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.events.subject import ANY, REST, matches
from app.hooks.pauses import Pause

Line = Mapping[str, Any]  # an attempt, as the ledger tells it, with `at` as RFC 3339


@dataclass(frozen=True, slots=True)
class EventFacts:
    """The event, as far as it is one: what is no CloudEvent has neither id nor type."""

    id: str | None
    type: str | None
    subject: str
    sequence: int  # in the stream `ops`; 0: not known
    time: str  # when `ops` took it, RFC 3339
    found_in: Literal["ops", "dead_letters", "parked"]


@dataclass(frozen=True, slots=True)
class HookFacts:
    namespace: str
    name: str
    subject: str
    state: Literal["active", "paused"]
    generation: int
    created: str
    changed: str  # when the hook was last written, RFC 3339


@dataclass(frozen=True, slots=True)
class Difference:
    """The first token at which a subject leaves the filter; empty where one of them has ended."""

    place: int  # from 1
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    matches: bool
    first_difference: Difference | None


@dataclass(frozen=True, slots=True)
class WordFacts:
    """A keyword; None: it could not be decided in time."""

    word: str
    matches: bool | None


@dataclass(frozen=True, slots=True)
class KeywordFacts:
    include: Sequence[WordFacts]
    exclude: Sequence[WordFacts]
    match_mode: str
    match_type: str
    wanted: bool | None


@dataclass(frozen=True, slots=True)
class LetterFacts:
    id: int
    at: str
    reason: str
    tries: int
    attempts: int


@dataclass(frozen=True, slots=True)
class ParkedFacts:
    sequence: int  # in `ops-parked`
    at: str
    reason: str
    tries: int
    not_before: str | None
    replay: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the hook's events have been read from `ops`; sequences."""

    read: int
    settled: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out."""

    event: EventFacts
    hook: HookFacts
    subject: SubjectFacts
    keywords: KeywordFacts | None  # None: they were not asked, for there is no readable text
    attempts: Sequence[Line]
    dead_letter: LetterFacts | None
    parked: ParkedFacts | None
    paused: Pause | None
    progress: Progress | None  # None: nobody reads

    @property
    def is_wanted(self) -> bool:
        """Whether the hook as it is now takes the event; what is undecided counts as wanted."""
        return self.subject.matches and self.keywords is not None and self.keywords.wanted is not False

    @property
    def is_settled(self) -> bool:
        """Whether the event has been read from `ops`, and needs no more work there."""
        return self.progress is not None and self.event.sequence <= self.progress.settled


def subject_facts(pattern: str, subject: str) -> SubjectFacts:
    """Whether a filter sees a subject, and if not, where they part."""
    return SubjectFacts(True, None) if matches(pattern, subject) else SubjectFacts(False, _difference(pattern, subject))


def _difference(pattern: str, subject: str) -> Difference:
    wanted, found = pattern.split("."), subject.split(".")
    for place in range(max(len(wanted), len(found))):
        want, token = _token(wanted, place), _token(found, place)
        if want not in {ANY, REST, token} or not token:
            return Difference(place + 1, want, token)
    raise ValueError(f"{pattern} sees {subject}")


def _token(tokens: Sequence[str], place: int) -> str:
    return tokens[place] if place < len(tokens) else ""


def keyword_facts(
    include: Sequence[WordFacts], exclude: Sequence[WordFacts], match_mode: str, match_type: str
) -> KeywordFacts:
    """What single keywords mean together."""
    included = _any(include) if match_mode == "ANY" else _not(_any([_inverse(word) for word in include]))
    wanted = _not(_any([WordFacts("", _not(included if include else True)), *exclude]))
    return KeywordFacts(include, exclude, match_mode, match_type, wanted)


def _any(words: Sequence[WordFacts]) -> bool | None:
    found = {word.matches for word in words}
    return True if True in found else None if None in found else False


def _not(value: bool | None) -> bool | None:  # noqa: FBT001 -- the logic of three values: that is what it is about
    return None if value is None else not value


def _inverse(word: WordFacts) -> WordFacts:
    return WordFacts(word.word, _not(word.matches))
