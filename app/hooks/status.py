"""Hooks as they are told: with whether they deliver, and what is wrong with them. Pure.

What a custom resource tells of itself (`CustomStatus`), `kubernetes/reporter.py` writes there and `kubernetes/shown.py`
reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.hooks.hook import API_VERSION, KIND, Hook, Metadata
from app.hooks.pauses import By, Pause

_TOLD: Final = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)


class Status(BaseModel):
    """Whether a hook delivers, and if not, why."""

    model_config = ConfigDict(frozen=True)

    state: Literal["active", "paused"] = Field(default="active", description="Whether it delivers.")
    reason: str | None = Field(default=None, description="Why it is paused.")
    by: By | None = Field(default=None, description="Who paused it.")
    since: str | None = Field(default=None, description="Since when it is paused, RFC 3339, UTC.")


class Condition(BaseModel):
    """Something that is, or is not, so of a custom resource."""

    model_config = _TOLD

    type: str = Field(description="What: `Ready`.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    reason: str = Field(default="", description="Why, as one word.")
    message: str = Field(default="", description="Why, and how to mend it.")
    observed_generation: int | None = Field(default=None, description="The `metadata.generation` that it is told of.")
    last_transition_time: str = Field(default="", description="Since when it is so, RFC 3339, UTC.")


class CustomStatus(Status):
    """What a custom resource tells beside that: as of a few seconds ago, as `kubectl` shows it."""

    model_config = _TOLD

    observed_generation: int | None = Field(
        default=None, description="The `metadata.generation` that this status speaks of."
    )
    conditions: tuple[Condition, ...] = Field(
        default=(), description="`Ready`: whether it is in force, or what bars it."
    )
    delivered: int | None = Field(default=None, description="Deliveries that succeeded.")
    failed: int | None = Field(default=None, description="Attempts that failed.")
    dead_letters: int | None = Field(default=None, description="Deliveries that were given up.")
    parked: int | None = Field(default=None, description="Events that wait for the endpoint.")
    oldest_pending_time: str | None = Field(default=None, description="When the oldest of them came, RFC 3339, UTC.")
    last_delivery_time: str | None = Field(default=None, description="When one last succeeded, RFC 3339, UTC.")
    last_error_time: str | None = Field(default=None, description="When an attempt last failed, RFC 3339, UTC.")
    last_error: str | None = Field(default=None, description="Why.")


class HookWithStatus(Hook):
    """A hook as it is read. The status is told, never taken: what is posted of it is dropped.

    A custom resource that breaks a rule is shown too, with its spec as it stands: its condition `Ready` says why.
    """

    status: Status | CustomStatus = Field(
        default=Status(), description="Told, never taken.", json_schema_extra={"readOnly": True}
    )


class BrokenSpec(BaseModel):
    """The spec of a custom resource that breaks a rule, as far as it can be read."""

    model_config = _TOLD

    type: str = ""
    subject: str = ""
    url: str = Field(default="", repr=False)
    keywords: Mapping[str, Any] = {}
    additional: str = ""
    options: Mapping[str, str] = Field(default={}, repr=False)


class BrokenHook(BaseModel):
    """A custom resource that breaks a rule: it was kept before there was the rule."""

    model_config = _TOLD

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: Metadata
    spec: BrokenSpec
    status: CustomStatus = CustomStatus()


ToldHook = HookWithStatus | BrokenHook


def status_of(pause: Pause | None) -> Status:
    if pause is None:
        return Status()
    return Status(state="paused", reason=pause.reason, by=pause.by, since=pause.since or None)


def with_status(hook: Hook, status: Status) -> HookWithStatus:
    return HookWithStatus(
        api_version=hook.api_version, kind=hook.kind, metadata=hook.metadata, spec=hook.spec, status=status
    )


def holds(hook: ToldHook, search: str) -> bool:
    """Whether its name, type, subject or URL (masked) holds a text, whatever its case."""
    spec = hook.spec
    return search.casefold() in f"{hook.metadata.name} {spec.type} {spec.subject} {spec.url}".casefold()
