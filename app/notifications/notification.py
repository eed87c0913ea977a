"""A notification: the address that its subject is, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from app.events import subject

ROOT: Final = "ops.notifications"
_ADDRESSES: Final = 1_024  # whose parts are remembered


@dataclass(frozen=True, slots=True)
class Notification:
    """What routes look at. A part that the subject does not have is empty."""

    provider: str = ""
    channel: str = ""
    severity: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def notification_of(address: str, data: Any) -> Notification:
    """The notification that was published to a subject; the subject counts, whatever the data says of the same."""
    return Notification(*_names(address), data if isinstance(data, Mapping) else {})


@lru_cache(_ADDRESSES)
def _names(address: str) -> tuple[str, str, str]:
    """Provider, channel and severity: of few addresses come many notifications, and each is asked twice."""
    names = dict(subject.named(address.replace(f"{ROOT}.", f"{subject.ROOT}.", 1)))
    singular = "severitie"  # as `named` makes it
    return _whole(names.get("provider", "")), _whole(names.get("channel", "")), _whole(names.get(singular, ""))


def _whole(name: str) -> str:
    """A name without halves of characters, which a subject can encode and no JSON can hold."""
    return name if name.isascii() else name.encode("utf-8", "replace").decode()
