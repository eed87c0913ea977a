"""A request as a service wants it, and what its answer means. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from app.delivery.outcome import Answer, Busy, Delivered, Outcome, Refused, TryLater

MINUTE: Final = 60.0  # seconds to wait, where a service counts by the minute and does not say how long


class Request(NamedTuple):
    """A POST of JSON."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}


def request(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    return Request(url, to_json(body), {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def json_size(text: str) -> int:
    """Bytes of a text within JSON."""
    return len(to_json(text)) - len('""')


@dataclass(frozen=True, slots=True)
class Codes:
    """The numbers by which a robot tells what is wrong, in an answer whose status may say that all is well."""

    fields: Sequence[str]  # of the answer's JSON; the first that is there counts
    busy: Container[int]  # there were too many messages
    broken: Container[int] = frozenset()  # the service is in trouble
    amiss: Mapping[int, str] = field(default_factory=dict)  # no message gets through until somebody mends this
    after: float | None = None  # seconds to wait where it is busy

    def judge(self, outcome: Outcome) -> Outcome:
        """What an outcome by the status means.

        In doubt the message was taken: one that is repeated for nothing is seen by everybody in the chat.
        """
        if not isinstance(outcome, Delivered | Refused) or outcome.answer is None:
            return outcome
        said = object_of(outcome.answer.body)
        for name in self.fields:
            number = said.get(name)
            if type(number) is int:  # exactly: `true` is an int too
                return self._judged(f"the robot answered {name} {number}", number, outcome, outcome.answer)
        return outcome

    def _judged(self, reason: str, number: int, outcome: Outcome, answer: Answer) -> Outcome:
        if number in self.busy:
            return Busy(reason, self.after, answer)
        if number in self.broken:
            return TryLater(reason, answer=answer)
        if number in self.amiss:
            return TryLater(f"{reason}: {self.amiss[number]}", answer=answer)
        return outcome if number == 0 else Refused(reason, answer)


def object_of(text: bytes) -> dict[str, Any]:
    """What a text says as a JSON object, as far as it goes: of a long answer there is the beginning only."""
    try:
        found = from_json(text.decode("utf-8", "ignore"), allow_partial=True)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
