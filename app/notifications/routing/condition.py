"""What a route asks of one value of a notification. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from app.notifications.routing import severity

MOST_VALUES: Final = 1_000  # of one field: who sends more must not hold up the others

Same = Callable[[str, str], bool]  # whether two texts mean the same


def _as_list(given: object) -> object:
    return given if isinstance(given, list | tuple | dict) else [given]


def _as_text(given: object) -> object:
    """YAML reads 5 and true as what they are; they are compared as text."""
    return text(given) if isinstance(given, bool | int | float) else given


_Word = Annotated[StrictStr, BeforeValidator(_as_text), Field(min_length=1, max_length=1024)]
Words = Annotated[tuple[_Word, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=100)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Not(_Model):
    """None of these. What is not there is none of them."""

    none_of: Words = Field(alias="not")


class AtLeast(_Model):
    """A severity, or one above it."""

    at_least: Literal["debug", "info", "warning", "error", "critical"] = Field(alias="atLeast")


Condition = Words | Not
SeverityCondition = Words | Not | AtLeast


def holds(condition: Condition | AtLeast, values: tuple[str, ...], same: Same | None = None) -> bool:
    """Whether a condition holds for what is there, which may be several values, or none; without `same`, exactly."""
    match condition:
        case AtLeast(at_least=bound):
            return any(severity.is_at_least(value, bound) for value in values)
        case Not(none_of=words):
            return not _any(words, values, same)
        case words:
            return _any(words, values, same)


def _any(words: tuple[str, ...], values: tuple[str, ...], same: Same | None) -> bool:
    if same is None:
        return any(value in words for value in values)
    return any(same(word, value) for word in words for value in values)


def values_at(data: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """The values of a field of the data, as text, at most `MOST_VALUES`.

    A `.` leads into an object, unless a key itself has it, and into each object of a list.
    """
    found = next(_found(data, field), None)
    several = found[:MOST_VALUES] if isinstance(found, list) else [found]
    return tuple(text(value) for value in several if value is not None and not isinstance(value, Mapping | list))


def _found(data: Any, field: str) -> Iterator[Any]:
    """Each way to read the field that leads somewhere, the longest keys first."""
    if isinstance(data, list):
        yield from _found_in_each(data, field)
    if not isinstance(data, Mapping):
        return
    if field in data:
        yield data[field]
    for place in range(len(field) - 1, 0, -1):
        if field[place] == "." and field[:place] in data:
            yield from _found(data[field[:place]], field[place + 1 :])


def _found_in_each(several: list[Any], field: str) -> Iterator[list[Any]]:
    """What the objects of a list have there, as one list."""
    each = [next(_found(one, field), None) for one in several[:MOST_VALUES] if isinstance(one, Mapping)]
    if found := [value for one in each for value in (one if isinstance(one, list) else [one]) if value is not None]:
        yield found


def text(value: object) -> str:
    """A value as JSON writes it, but a text as it is."""
    return value if isinstance(value, str) else json.dumps(value)
