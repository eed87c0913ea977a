"""What robots of chats answer. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from pydantic_core import from_json

from app.delivery.outcome import Answer, Delivered, Outcome, Refused

# Fields in which robots name an error under a status of 200, and the numbers there that mean none. In doubt it is no
# error: a message that is repeated for nothing is seen by everybody in the chat.
_FINE: Final[Mapping[str, Container[int]]] = {
    "errcode": {0},
    "code": {0, *range(200, 300)},
    "result": {0, 1, *range(200, 300)},
}


def judge_robot(outcome: Outcome) -> Outcome:
    """What an outcome by the status means when the answer's body is read too."""
    if not isinstance(outcome, Delivered) or outcome.answer is None:
        return outcome
    error = _error(outcome.answer)
    return Refused(f"the robot answered {error}", outcome.answer) if error else outcome


def _error(answer: Answer) -> str:
    said = json_of(answer.body)
    for field, fine in _FINE.items() if isinstance(said, dict) else ():
        number = said.get(field)
        if type(number) is int and number not in fine:  # exactly: `true` is an int too
            return f"{field} {number}"
    return ""


def json_of(text: str | bytes) -> Any:
    """What the text says as JSON; None where it is none, or not all of it."""
    try:
        return from_json(text)
    except ValueError:
        return None
