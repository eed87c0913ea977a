"""Why a hook did or did not fire for an event. Pure: the first rule of the table that holds gives the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.hooks.pauses import Pause
from app.hooks.questions.facts import (
    EventFacts,
    Facts,
    HookFacts,
    KeywordFacts,
    LetterFacts,
    Line,
    ParkedFacts,
    SubjectFacts,
)

Verdict = Literal["delivered", "dead_letter", "paused", "parked", "not_matched", "pending", "hook_newer", "unknown"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The facts, and what follows from them."""

    event: EventFacts
    hook: HookFacts
    verdict: Verdict
    because: Sequence[str]
    subject: SubjectFacts
    keywords: KeywordFacts | None
    attempts: Sequence[Line]
    dead_letter: LetterFacts | None
    parked: ParkedFacts | None
    paused: Pause | None


def explanation(facts: Facts) -> Explanation:
    verdict, reason = next((verdict, why) for verdict, rule in _RULES if (why := rule(facts)))
    return Explanation(
        event=facts.event,
        hook=facts.hook,
        verdict=verdict,
        because=[reason, *(note for add in _NOTES if (note := add(facts)))],
        subject=facts.subject,
        keywords=facts.keywords,
        attempts=facts.attempts,
        dead_letter=facts.dead_letter,
        parked=facts.parked,
        paused=facts.paused,
    )


def _delivered(facts: Facts) -> str:
    line = next((line for line in facts.attempts if line["outcome"] == "delivered"), None)
    return f"It was delivered at {line['at']}, by attempt {line['attempt']}." if line else ""


def _dead_letter(facts: Facts) -> str:
    letter = facts.dead_letter
    if letter is None:
        return ""
    return f"It was given up at {letter.at}: {letter.reason}. Redrive the dead letter {letter.id} to try it again."


def _paused(facts: Facts) -> str:
    if facts.paused is None or not (facts.parked or (facts.is_wanted and not facts.is_settled)):
        return ""
    where = "It is parked" if facts.parked else "It will be parked"
    return f"{where}, as the hook is paused since {facts.paused.since} ({facts.paused.reason}): resume the hook."


def _parked(facts: Facts) -> str:
    parked = facts.parked
    if parked is None:
        return ""
    wait = f" It is tried again at {parked.not_before} at the earliest." if parked.not_before else ""
    return f"It is parked since {parked.at} and waits for its turn: {parked.reason}.{wait}"


def _other_subject(facts: Facts) -> str:
    difference = facts.subject.first_difference
    if difference is None:
        return ""
    wanted, found = (repr(token) if token else "its end" for token in (difference.wanted, difference.found))
    return (
        f"The hook's subject does not see the event's: at token {difference.place} it has {wanted}, the event {found}."
    )


def _no_event(facts: Facts) -> str:
    return "" if facts.keywords else "The message is no CloudEvent, which is all that hooks take."


def _other_words(facts: Facts) -> str:
    keywords = facts.keywords
    if keywords is None or keywords.wanted is not False:
        return ""
    excluded = [word.word for word in keywords.exclude if word.matches]
    if excluded:
        return f"The text holds the excluded keyword {excluded[0]!r}."
    missing = [word.word for word in keywords.include if word.matches is False]
    if keywords.match_mode == "ALL":
        return f"The text lacks the keyword {missing[0]!r}, and all of them are wanted."
    return "The text has none of the keywords of include."


def _pending(facts: Facts) -> str:
    if facts.is_settled or not facts.event.sequence:
        return ""
    if facts.progress is None:
        return "Nobody has begun to read the events for this hook."
    if facts.event.sequence > facts.progress.read:
        return f"It has not been read yet: hooks are at the sequence {facts.progress.read}."
    return "It has been read, and its delivery, or that of an event before it, is under way."


def _hook_newer(facts: Facts) -> str:
    if facts.attempts or facts.event.time >= facts.hook.changed:
        return ""
    if facts.event.time < facts.hook.created:
        return f"The event is older than the hook, which was made at {facts.hook.created}: replay it."
    return (
        f"The hook would take it as it is now, but was changed at {facts.hook.changed}, after the event:"
        " before that it may not have taken it."
    )


def _unknown(facts: Facts) -> str:
    if facts.attempts:
        last = facts.attempts[0]
        return (
            f"It was tried, at last at {last['at']} ({last['outcome']}), and is neither parked nor a dead letter now:"
            " it has been forgotten since, or is on its way."
        )
    return (
        "It was to be delivered, and there is no trace of it: it may have been delivered before the newest attempts of"
        " the hook, which are all that the ledger keeps."
    )


_RULES: Final[Sequence[tuple[Verdict, Callable[[Facts], str]]]] = (
    ("delivered", _delivered),
    ("dead_letter", _dead_letter),
    ("paused", _paused),
    ("parked", _parked),
    ("not_matched", _other_subject),
    ("not_matched", _no_event),
    ("not_matched", _other_words),
    ("pending", _pending),
    ("hook_newer", _hook_newer),
    ("unknown", _unknown),
)


def _note_undecided(facts: Facts) -> str:
    if facts.keywords is None:
        return ""
    words = [word.word for word in (*facts.keywords.include, *facts.keywords.exclude) if word.matches is None]
    return f"Whether {words[0]!r} is found could not be decided in time." if words else ""


def _note_changed(facts: Facts) -> str:
    """Of what did not match now, something else may have been decided then."""
    if facts.is_wanted or facts.event.time >= facts.hook.changed:
        return ""
    return f"The hook was changed at {facts.hook.changed}, after the event: it may have been another one then."


def _note_replayed(facts: Facts) -> str:
    parked = facts.parked
    return f"The copy that is parked was brought by the replay {parked.replay}." if parked and parked.replay else ""


_NOTES: Final[Sequence[Callable[[Facts], str]]] = (_note_undecided, _note_changed, _note_replayed)
