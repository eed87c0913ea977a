"""On what terms a group is told, as they travel with each of its notifications. Pure.

A notification keeps the terms that were in force when it came: a change of the routes changes nothing for what waits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from pydantic import BaseModel, ConfigDict

from app.notifications.destinations.rates import Rate
from app.notifications.notification import Notification
from app.notifications.routing.condition import text, values_at
from app.notifications.routing.configuration import Group
from app.notifications.routing.duration import written

HELD: Final = "held"  # the group of what is beyond a receiver's rate
_LONGEST: Final = 200  # characters of a value: the server takes headers of 64 KiB


class Terms(BaseModel):
    """The group, and its times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by: Mapping[str, str] = {}  # the values that its notifications share, by field
    wait: float = 0.0
    interval: float = 0.0
    repeat: float = 0.0
    key: tuple[str, ...] = ()
    changes: bool = False
    held: str = ""  # the rate that its notifications were beyond; empty: they were not

    @property
    def group(self) -> str:
        """The name of the group among those of its receiver; one token."""
        if self.held:
            return HELD
        identity = json.dumps([sorted(self.by.items()), self.key, self.changes])
        return blake2b(identity.encode(), digest_size=12).hexdigest()

    def header(self) -> str:
        """As they stand in a header: ASCII."""
        return json.dumps(self.model_dump(exclude_defaults=True), separators=(",", ":"))


def terms_of(group: Group, notification: Notification) -> Terms:
    by = {field: _value(notification, field) for field in group.by}
    return Terms(
        by=by, wait=group.wait, interval=group.interval, repeat=group.repeat, key=group.key, changes=group.changes
    )


def beyond(rate: Rate, seconds: float) -> Terms:
    """The terms of what is beyond a rate, `seconds` before more is allowed."""
    return Terms(wait=seconds, held=f"{rate.limit} in {written(rate.per)}")


def thing_of(notification: Notification, terms: Terms) -> tuple[str, bool]:
    """What a notification is about, hashed, and whether it says so itself: else its text stands for it."""
    fields = terms.key or (("key",) if values_at(notification.data, "key") else ())
    named = bool(fields)
    about = [_value(notification, field) for field in fields] if named else _said(notification)
    return blake2b(json.dumps(about).encode(), digest_size=9).hexdigest(), named


def _said(notification: Notification) -> list[str]:
    data = notification.data
    said = [text(data[name]) for name in ("title", "message") if name in data]
    return [notification.provider, notification.channel, *(said or [text(dict(data))])]


def _value(notification: Notification, field: str) -> str:
    if field in {"provider", "channel", "severity"}:
        return _short(getattr(notification, field))
    return _short(", ".join(values_at(notification.data, field)))


def _short(value: str) -> str:
    """A value that fits into a header, as one of ten; two that differ, differ still."""
    value = value.encode("utf-8", "replace").decode()
    if len(value) <= _LONGEST:
        return value
    digest = blake2b(value.encode(), digest_size=8).hexdigest()
    return f"{value[: _LONGEST - len(digest) - 1]}…{digest}"
