"""Whether a hook delivers, as it is told beside the hook. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.hooks.hook import Hook
from app.hooks.pauses import By, Pause


class Status(BaseModel):
    """Whether a hook delivers, and if not, why."""

    model_config = ConfigDict(frozen=True)

    state: Literal["active", "paused"] = Field(default="active", description="Whether it delivers.")
    reason: str | None = Field(default=None, description="Why it is paused.")
    by: By | None = Field(default=None, description="Who paused it.")
    since: str | None = Field(default=None, description="Since when it is paused, RFC 3339, UTC.")


class HookWithStatus(Hook):
    """A hook as it is read. The status is told, never taken: what is posted of it is dropped."""

    status: Status = Field(default=Status(), description="Told, never taken.", json_schema_extra={"readOnly": True})


def status_of(pause: Pause | None) -> Status:
    if pause is None:
        return Status()
    return Status(state="paused", reason=pause.reason, by=pause.by, since=pause.since or None)


def with_status(hook: Hook, pause: Pause | None) -> HookWithStatus:
    return HookWithStatus(
        api_version=hook.api_version, kind=hook.kind, metadata=hook.metadata, spec=hook.spec, status=status_of(pause)
    )
