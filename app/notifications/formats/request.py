"""A request as a service wants it, and what its answer means. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from app.delivery.outcome import Busy, Delivered, Outcome, Refused


class Request(NamedTuple):
    """A POST of JSON."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}


def request(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    return Request(url, to_json(body), {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def by_number(outcome: Outcome, fields: Sequence[str], busy: Container[int]) -> Outcome:
    """What an answer with status 200 means, where a number in its JSON tells of errors: the first field that is there.

    In doubt the message was taken: one that is repeated for nothing is seen by everybody in the chat.
    """
    if not isinstance(outcome, Delivered) or outcome.answer is None:
        return outcome
    said = object_of(outcome.answer.body)
    for field in fields:
        number = said.get(field)
        if type(number) is int:  # exactly: `true` is an int too
            return _judged(f"the robot answered {field} {number}", number, outcome, busy)
    return outcome


def _judged(reason: str, number: int, outcome: Delivered, busy: Container[int]) -> Outcome:
    if number == 0:
        return outcome
    return Busy(reason, answer=outcome.answer) if number in busy else Refused(reason, outcome.answer)


def object_of(text: bytes) -> dict[str, Any]:
    """What a text says as a JSON object; empty where it is none, or not all of it."""
    try:
        found = from_json(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
