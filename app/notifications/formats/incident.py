"""What services that wake people have in common: notices of one thing are one incident, by its key. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

from app.delivery.outcome import Impossible
from app.notifications.formats.notice import Notice, fitted, utf16

_NO_NAME: Final = ". \t\n"
_HERE: Final = "ops-events"

WITHOUT_KEY: Final = Impossible("it says that something is over, and has no key that says what")


def key_of(notice: Notice, identity: str, most: int) -> str:
    """What an incident is found by: the notice's key, or else the delivery's id, so that a repeat opens no other.

    A key that is too long, or would be a way up in a URL, goes as its hash: cut off it could be another's.
    """
    key = notice.key or identity
    if utf16(key) <= most and key.strip(_NO_NAME):
        return key
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def source_of(notice: Notice, most: int) -> str:
    """Where it is; services want that said."""
    return fitted(notice.source.strip() or _HERE, most, utf16)
