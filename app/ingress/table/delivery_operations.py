"""The rows of the table for what became of a hook's deliveries: attempts, dead letters, statistics."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from app.delivery.outcome import NAMES
from app.ingress.attempts import AttemptEndpoints
from app.ingress.letters import LetterEndpoints
from app.ingress.statistics import StatisticsEndpoints
from app.ingress.table.operations import BAD_BODY, HOOK, PAGE, Operation, Query

_ATTEMPTS: Final = f"{HOOK}/attempts"
_LETTERS: Final = f"{HOOK}/deadletters"
_LETTER: Final = f"{_LETTERS}/{{letter}}"

_READING: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
_LISTING: Final = (HTTPStatus.BAD_REQUEST, *_READING)
_FILTER: Final = (
    Query("outcome", "Attempts that went so.", {"type": "string", "enum": list(NAMES.values())}),
    Query("event", "Attempts at bringing the event with this id.", {"type": "string"}),
    Query("delivery", "Attempts at this delivery (`webhook-id`).", {"type": "string"}),
)


def attempt_operations(attempts: AttemptEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _ATTEMPTS,
            attempts.list,
            "listAttempts",
            "List a hook's newest attempts, as far as the ledger keeps them.",
            answer="AttemptPage",
            query=(*_FILTER, *PAGE),
            problems=_LISTING,
        ),
        Operation(
            "GET",
            f"{_ATTEMPTS}/{{attempt}}",
            attempts.read,
            "readAttempt",
            "Read an attempt.",
            answer="Attempt",
            problems=_READING,
        ),
    )


def letter_operations(letters: LetterEndpoints) -> tuple[Operation, ...]:
    return (*_letter_list_operations(letters), *_one_letter_operations(letters))


def _letter_list_operations(letters: LetterEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _LETTERS,
            letters.list,
            "listDeadLetters",
            "List a hook's dead letters, newest first.",
            answer="DeadLetterPage",
            query=PAGE,
            problems=_LISTING,
        ),
        Operation(
            "POST",
            f"{_LETTERS}/redrive",
            letters.redrive,
            "redriveDeadLetters",
            "Put many dead letters, or all, back among the parked events; the deliveries keep their ids.",
            answer="Redriven",
            body="Redrive",
            problems=(*BAD_BODY, HTTPStatus.NOT_FOUND),
        ),
    )


def _one_letter_operations(letters: LetterEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _LETTER,
            letters.read,
            "readDeadLetter",
            "Read a dead letter with its event.",
            answer="DeadLetter",
            problems=_READING,
        ),
        Operation(
            "DELETE",
            _LETTER,
            letters.forget,
            "forgetDeadLetter",
            "Delete a dead letter for good, and overwrite it on the disk.",
            answer="Nothing",
            problems=_READING,
        ),
        Operation(
            "POST",
            f"{_LETTER}/redrive",
            letters.redrive_one,
            "redriveDeadLetter",
            "Put a dead letter back among the parked events.",
            answer="Redriven",
            problems=(*_READING, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        ),
    )


def statistics_operations(statistics: StatisticsEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            f"{HOOK}/stats",
            statistics.read,
            "readStatistics",
            "See how a hook is doing: what was delivered, what waits, what failed.",
            answer="Statistics",
            problems=_READING,
        ),
    )
