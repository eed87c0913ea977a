"""Hooks as values: the EventHooks resource, validated.

The form is the custom resource's (`crd.chenshaowen.com/v1`, kind `EventHooks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.delivery.channels.documents import PLACEHOLDERS
from app.delivery.delivery import Target
from app.errors import FieldProblem, InvalidResourceError
from app.events import subject as subjects
from app.hooks import rules
from app.hooks.matching import pattern

API_VERSION: Final = "crd.chenshaowen.com/v1"
KIND: Final = "EventHooks"
ORDERED_SINCE: Final = (
    "events.chenshaowen.com/ordered-since"  # annotation: since when, RFC 3339; earlier events went as ever
)
MIRRORED: Final = (
    "events.chenshaowen.com/resource-version"  # annotation: the custom resource's, of which this is a copy; not shown
)

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME: Final = 253

Keyword = Annotated[str, Field(min_length=1, max_length=1024)]


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,  # it may be a secret
    )


class Keywords(_Model):
    """Which of the events on a subject fire the hook, by their readable text."""

    include: tuple[Keyword, ...] = Field(default=(), max_length=100, description="Empty: every event.")
    exclude: tuple[Keyword, ...] = Field(default=(), max_length=100, description="A match here wins over include.")
    match_mode: Literal["ANY", "ALL"] = Field(default="ANY", description="How many of include must match.")
    match_type: Literal["CONTAINS", "EXACT", "REGEX"] = Field(
        default="CONTAINS",
        description="EXACT: the whole text, or the whole value of one of its lines. REGEX: as RE2 takes it, where `.`"
        " also matches newlines; lookaround and backreferences too, at a price: where they take too long, events count"
        " as wanted, and a hook to which that keeps happening is paused.",
    )

    @model_validator(mode="after")
    def _patterns_compile(self) -> Keywords:
        if self.match_type == "REGEX":
            sizes = 0
            for place, word in (*_places("include", self.include), *_places("exclude", self.exclude)):
                sizes += _size_of(word, place)
                if sizes > pattern.MAX_SIZE:
                    raise ValueError(f"the expressions up to {place} are too large together")
        return self


def _places(field: str, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((f"{field}[{number}]", word) for number, word in enumerate(words))


def _size_of(expression: str, place: str) -> int:
    try:
        return pattern.compile_pattern(expression).size
    except ValueError as error:
        raise ValueError(f"{place} is no regular expression that can be used: {error}") from error


class Spec(_Model):
    """What fires the hook, and where to."""

    type: rules.Type = Field(
        description="The channel. `webhook` POSTs the readable text or the event; `xiezuo` sends a chat message to a"
        " robot of WPS Xiezuo; `event` publishes the event under another subject; `elasticsearch` stores its data."
    )
    subject: str = Field(description="A subject; * stands for one token, a last > for the rest.")
    url: str = Field(
        repr=False,
        max_length=4096,
        description="Where to, http or https. `elasticsearch`: `http://host:port[/index/_doc[/id]]`. `event`: a"
        " subject, in which * takes the token at that place of the event's own; one that does not begin with `ops.`"
        " replaces the last token.",
    )
    keywords: Keywords = Keywords()
    additional: str = Field(default="", max_length=16384, description="Text put behind the readable text.")
    options: Mapping[str, str] = Field(
        default={},
        repr=False,
        validate_default=True,
        description="Every type: `ordered`: `true` for one event at a time, in the stream's order. `webhook`: `format`:"
        " `text` (default) or `cloudevents`; `secret`: one key or two that sign by Standard Webhooks, each `whsec_` and"
        " base64, base64 or plain text, separated by white space; `secretRef`: `name` or `name/key` of a Kubernetes"
        " Secret that holds them (key `secret` unless named). `elasticsearch`: `index`, in which dates are written"
        f" {PLACEHOLDERS}; `id`: of the one document to keep up to date; `username`; `password`. Others are kept"
        " and mean nothing.",
    )

    @field_validator("subject")
    @classmethod
    def _is_a_filter(cls, value: str) -> str:
        subjects.validate_filter(value)
        if not value.startswith(f"{subjects.ROOT}."):
            raise ValueError(f"is {value!r}: every event's subject begins with ops.")
        return value

    @field_validator("url")
    @classmethod
    def _suits_the_type(cls, value: str, info: ValidationInfo) -> str:
        rules.check_url(info.data.get("type"), value, info.data.get("subject"))
        return value

    @field_validator("options")
    @classmethod
    def _suit_the_type(cls, value: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        problems = list(rules.option_problems(info.data.get("type"), info.data.get("url"), value))
        if problems:
            raise ValidationError.from_exception_data("options", [_detail(problem) for problem in problems])
        return value


class Metadata(BaseModel):
    """What names the hook. Fields of Kubernetes that mean nothing here are accepted and dropped."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)

    name: str
    namespace: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    uid: str = ""
    generation: int = Field(default=1, description="Counts changes of the spec.")
    creation_timestamp: str = Field(default="", description="RFC 3339, UTC.")
    resource_version: str = Field(
        default="", description="Revision in the bucket; given on replace, it must be current."
    )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if len(value) > _MAX_NAME or not _NAME.fullmatch(value):
            raise ValueError("must be lower-case letters, digits, - and ., at most 253 (a DNS subdomain name)")
        return value

    @field_validator("namespace")
    @classmethod
    def _is_a_label(cls, value: str) -> str:
        if not _LABEL.fullmatch(value):
            raise ValueError("must be lower-case letters, digits and -, at most 63 (a DNS label)")
        return value


class Hook(BaseModel):
    """One EventHooks resource."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)

    api_version: Literal["crd.chenshaowen.com/v1"] = API_VERSION
    kind: Literal["EventHooks"] = KIND
    metadata: Metadata
    spec: Spec

    @property
    def key(self) -> str:
        """Names the hook in the bucket, in logs and in metrics."""
        return f"{self.metadata.namespace}.{self.metadata.name}"

    @property
    def is_ordered(self) -> bool:
        """Whether it gets its events one at a time, in the order of the stream."""
        return self.spec.options.get("ordered") == "true"

    @property
    def target(self) -> Target:
        return Target(
            key=f"hooks.{self.key}",
            channel=self.spec.type,
            url=self.spec.url,
            additional=self.spec.additional,
            options=self.spec.options,
        )


def parse(resource: Mapping[str, Any], namespace: str, name: str | None = None) -> Hook:
    """Read a resource that was posted under a namespace, and for a replacement under a name.

    Raises:
        InvalidResourceError: names every field that breaks a rule, and why.
    """
    metadata = resource.get("metadata", {})
    if isinstance(metadata, Mapping):
        metadata = {"namespace": namespace, **({"name": name} if name else {}), **metadata}
        _same("metadata.namespace", metadata["namespace"], namespace)
        _same("metadata.name", metadata.get("name"), name or metadata.get("name"))
    try:
        return Hook.model_validate({**resource, "metadata": metadata})
    except ValidationError as error:
        raise InvalidResourceError([_problem(found["loc"], found["msg"]) for found in error.errors()]) from None


def _same(field: str, given: object, expected: object) -> None:
    if given != expected:
        raise InvalidResourceError([FieldProblem(field, f"is {given!r}, but the path says {expected!r}")])


def _problem(location: tuple[int | str, ...], message: str) -> FieldProblem:
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    return FieldProblem(field or "body", message.removeprefix("Value error, "))


def _detail(problem: FieldProblem) -> InitErrorDetails:
    """A problem as pydantic tells it, which puts where it validates in front of the field. The value is left out."""
    return InitErrorDetails(
        type=PydanticCustomError("rule", "{why}", {"why": problem.why}), loc=(problem.field,), input=None
    )
