"""What is described is what is answered: the schemas of the ingress against the values of the hooks."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from app.hooks.pauses import By, Pause
from app.hooks.questions.dry_run import DryRun
from app.hooks.questions.facts import Line
from app.hooks.questions.verdict import Explanation, Verdict
from app.hooks.replays.replay import Replay, Wanted, read_wanted
from app.hooks.status import Status
from app.ingress.table.examples import BODIES
from app.ingress.table.operator_schemas import SCHEMAS

ANSWERS = {"DryRun": DryRun, "Explanation": Explanation, "PauseStatus": Status, "Replay": Replay}


def fields(answer: type[Any]) -> dict[str, Any]:
    """The fields of an answer, each with its type."""
    if issubclass(answer, BaseModel):
        return {field.alias or name: field.annotation for name, field in answer.model_fields.items()}
    hints = typing.get_type_hints(answer)
    return {field.name: hints[field.name] for field in dataclasses.fields(answer)}


def parts(annotation: Any) -> Iterator[type[Any]]:
    """The answers inside a type: of a list its items, of a type that may be None the other."""
    if typing.get_origin(annotation) in {list, Sequence, types.UnionType, typing.Union} or isinstance(
        annotation, types.UnionType
    ):
        for part in typing.get_args(annotation):
            yield from parts(part)
    elif isinstance(annotation, type) and (dataclasses.is_dataclass(annotation) or issubclass(annotation, BaseModel)):
        yield annotation


def check(schema: Any, answer: type[Any]) -> None:
    assert set(schema["properties"]) == set(fields(answer)), answer
    for name, annotation in fields(answer).items():
        found = schema["properties"][name]
        if name in schema["required"]:  # others are left out where they are empty
            nullable = type(None) in typing.get_args(annotation)
            assert ("null" in found["type"]) is nullable, (answer, name)
        for part in parts(annotation):
            check(found.get("items", found), part)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_fields_that_are_described(name: str) -> None:
    check(SCHEMAS[name], ANSWERS[name])


def test_attempts_are_told_as_everywhere() -> None:
    assert SCHEMAS["Explanation"]["properties"]["attempts"]["items"]["$ref"].endswith("/Attempt")
    assert fields(Explanation)["attempts"] == Sequence[Line]


def test_the_verdicts_are_those_that_are_given() -> None:
    assert set(SCHEMAS["Explanation"]["properties"]["verdict"]["enum"]) == set(typing.get_args(Verdict))


def test_what_may_be_asked_for_is_what_is_read() -> None:
    assert set(SCHEMAS["ReplayRequest"]["properties"]) == set(fields(Wanted))
    for body in BODIES["ReplayRequest"].values():
        read_wanted(body)


def test_a_pause_is_told_as_it_is_kept() -> None:
    told = SCHEMAS["Explanation"]["properties"]["paused"]["properties"]
    assert set(told) == set(fields(Pause))
    assert told["by"]["enum"] == list(typing.get_args(By))
