"""A replay as a value: what was asked for, how far it is, and the record that the bucket keeps of it. Pure.

`replays.py` keeps the records, `replaying.py` does the work.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_serializer,
    model_validator,
)

from app.errors import FieldProblem, InvalidResourceError
from app.hooks.moment import rfc3339

RATE: Final = 50
MAX_RATE: Final = 1_000

State = Literal["running", "done", "stopped", "failed"]

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_LAST_MILLISECOND: Final = 253_402_300_799_999  # of the year 9999
_TIME_FORMS: Final = "must be RFC 3339, such as 2026-11-23T04:50:41Z, or whole milliseconds since 1970"


def _read_time(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_MILLISECOND:
        return dt.datetime.fromtimestamp(value / 1000, dt.UTC)
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with suppress(ValueError, OverflowError):  # a day that does not exist, or the end of the calendar
            return dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    raise ValueError(_TIME_FORMS)


Time = Annotated[dt.datetime, BeforeValidator(_read_time)]
Sequence = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Until(_Model):
    """The end of the events: a time, or a sequence of the stream `ops`."""

    time: Time | None = None
    sequence: Sequence | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if len(self.model_fields_set) != 1 or not self.given():
            raise ValueError(f"must have one of {', '.join(type(self).model_fields)}")
        return self

    @model_serializer
    def given(self) -> dict[str, Any]:
        """What was given, without what was not."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class Origin(Until):
    """Where a replay begins: at a time, or at a sequence; or what it takes instead: the dead letters."""

    dead_letters: Literal[True] | None = None


class Wanted(_Model):
    """What is asked for."""

    origin: Origin = Field(alias="from")
    until: Until | None = None
    rate: Annotated[int, Field(strict=True, ge=1, le=MAX_RATE)] = RATE

    @model_validator(mode="after")
    def _has_an_end_that_fits(self) -> Self:
        if self.until is not None and self.origin.dead_letters:
            raise ValueError("until: is of no use: all dead letters are replayed")
        return self


class Replay(_Model):
    """One replay of a hook. Sequences are those of `ops`, or where it takes the dead letters of `ops-dead-letters`."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    namespace: str
    hook: str
    origin: Origin = Field(alias="from")
    until: Until | None
    rate: int  # events per second
    state: State = "running"
    first: int  # sequences
    last: int
    position: int
    total: int  # about how many lie between the first and the last on the hook's subject
    read: int = 0
    matched: int = 0
    copied: int = 0
    started: str
    ended: str | None = None
    error: str | None = None

    @property
    def key(self) -> str:
        """Names the replay in its bucket."""
        return f"{self.namespace}.{self.hook}.{self.id}"

    @property
    def target(self) -> str:
        return f"hooks.{self.namespace}.{self.hook}"

    @property
    def takes_letters(self) -> bool:
        return bool(self.origin.dead_letters)

    @property
    def is_over(self) -> bool:
        return self.state != "running"

    def end(self, state: State, ended: float, error: str | None = None) -> Replay:
        """The replay as it ended, Unix seconds; what it said of an error before stays."""
        return self.model_copy(update={"state": state, "ended": rfc3339(ended), "error": error or self.error})


class Record(_Model):
    """What the bucket keeps: the replay, and which process works on it."""

    replay: Replay
    owner: str = ""  # empty: nobody


def read_wanted(body: Mapping[str, Any]) -> Wanted:
    """Read what a client asks for.

    Raises:
        InvalidResourceError: names every field that breaks a rule, and why.
    """
    try:
        return Wanted.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise InvalidResourceError(
            [_problem(found["loc"], _WHY.get(found["type"], found["msg"])) for found in problems]
        ) from None


# Where pydantic's own words would name our classes.
_WHY: Final = {"model_type": "must be an object", "extra_forbidden": "is not known here"}


def _problem(location: tuple[int | str, ...], message: str) -> FieldProblem:
    why = message.removeprefix("Value error, ")
    if not location and (named := re.match(r"(\w+): ", why)):  # a rule over several fields names its own
        return FieldProblem(named[1], why.removeprefix(named[0]))
    return FieldProblem(".".join(map(str, location)) or "body", why)
