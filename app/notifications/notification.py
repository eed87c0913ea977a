"""A notification: the address that its subject is, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.events import subject

ROOT: Final = "ops.notifications"


@dataclass(frozen=True, slots=True)
class Notification:
    """What routes look at. A part that the subject does not have is empty."""

    provider: str = ""
    channel: str = ""
    severity: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def notification_of(address: str, data: Any) -> Notification:
    """The notification that was published to a subject; the subject counts, whatever the data says of the same."""
    names = dict(subject.named(address.replace(f"{ROOT}.", f"{subject.ROOT}.", 1)))
    return Notification(
        _whole(names.get("provider", "")),
        _whole(names.get("channel", "")),
        _whole(names.get("severitie", "")),  # as `named` makes the singular
        data if isinstance(data, Mapping) else {},
    )


def _whole(name: str) -> str:
    """A name without halves of characters, which a subject can encode and no JSON can hold."""
    return name if name.isascii() else name.encode("utf-8", "replace").decode()
