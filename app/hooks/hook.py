"""Hooks as values: the EventHooks resource, validated.

The form is the custom resource's (`crd.chenshaowen.com/v1`, kind `EventHooks`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from app.delivery.delivery import Target
from app.errors import FieldProblem, InvalidResourceError
from app.events import subject as subjects
from app.hooks import pattern

API_VERSION: Final = "crd.chenshaowen.com/v1"
KIND: Final = "EventHooks"

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME: Final = 253

Keyword = Annotated[str, Field(min_length=1, max_length=1024)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Keywords(_Model):
    """Which of the events on a subject fire the hook, by their readable text."""

    include: tuple[Keyword, ...] = Field(default=(), max_length=100, description="Empty: every event.")
    exclude: tuple[Keyword, ...] = Field(default=(), max_length=100, description="A match here wins over include.")
    match_mode: Literal["ANY", "ALL"] = Field(default="ANY", description="How many of include must match.")
    match_type: Literal["CONTAINS", "EXACT", "REGEX"] = Field(
        default="CONTAINS", description="EXACT: the whole text, or the whole value of one of its lines."
    )

    @model_validator(mode="after")
    def _patterns_compile(self) -> Keywords:
        if self.match_type == "REGEX":
            for place, words in (("include", self.include), ("exclude", self.exclude)):
                for number, word in enumerate(words):
                    try:
                        pattern.compile_pattern(word)
                    except ValueError as error:
                        raise ValueError(f"{place}[{number}] is no regular expression: {error}") from error
        return self


class Spec(_Model):
    """What fires the hook, and where to."""

    type: Literal["webhook"] = Field(description="The channel.")
    subject: str = Field(description="A subject; * stands for one token, a last > for the rest.")
    url: str = Field(description="Where to POST, http or https.", max_length=4096)
    keywords: Keywords = Keywords()
    additional: str = Field(default="", max_length=16384, description="Text put behind the readable text.")
    options: Mapping[str, str] = Field(default={}, description="`format`: `text` (default) or `cloudevents`.")

    @field_validator("subject")
    @classmethod
    def _is_a_filter(cls, value: str) -> str:
        subjects.validate_filter(value)
        if not value.startswith(f"{subjects.ROOT}."):
            raise ValueError(f"is {value!r}: every event's subject begins with ops.")
        return value

    @field_validator("url")
    @classmethod
    def _is_an_http_url(cls, value: str) -> str:
        if re.search(r"[\s\x00-\x1f\x7f]", value):
            raise ValueError("has white space or a control character: percent-encode it")
        try:
            parts = urlsplit(value)
            _ = parts.port  # raises where it is no number
            _ = (parts.hostname or "").encode("idna")  # raises where a label is empty or too long
        except ValueError:
            # The errors' own texts show parts of the URL, which may be a password.
            raise ValueError("has no valid host or port: a port is of 0-65535, an IPv6 address stands in []") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is not of the form http://host/path or https://host/path")
        return value

    @field_validator("options")
    @classmethod
    def _has_a_known_format(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if value.get("format", "text") not in {"text", "cloudevents"}:
            raise ValueError("format: must be text or cloudevents")
        return value


class Metadata(BaseModel):
    """What names the hook. Fields of Kubernetes that mean nothing here are accepted and dropped."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

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

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    api_version: Literal["crd.chenshaowen.com/v1"] = API_VERSION
    kind: Literal["EventHooks"] = KIND
    metadata: Metadata
    spec: Spec

    @property
    def key(self) -> str:
        """Names the hook in the bucket, in logs and in metrics."""
        return f"{self.metadata.namespace}.{self.metadata.name}"

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
