"""Which events of a filter are wanted: by type, and by a text in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from app.events import cloudevent

_ESCAPE = b"\\u"  # a character that JSON could have held as it is


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is empty does not matter."""

    type: str = ""  # the event's attribute `type`
    text: str = ""  # stands in the message, or in its subject, whatever its case

    def __bool__(self) -> bool:
        return bool(self.type or self.text)

    def match(self, subject: str, headers: Mapping[str, str] | None, payload: bytes) -> bool:
        """Whether a message is wanted; one that is no CloudEvent has no type."""
        return self._has_text(subject, headers, payload) and self._has_type(headers, payload)

    def _has_text(self, subject: str, headers: Mapping[str, str] | None, payload: bytes) -> bool:
        if not self.text:
            return True
        wanted = self.text.casefold()
        written = to_json(wanted)[1:-1].decode()  # as it stands in JSON, where it has a quote or a backslash
        message = _legible(payload).casefold()
        attributes = () if cloudevent.is_structured(headers) else (headers or {}).values()
        return written in message or any(wanted in other.casefold() for other in (message, subject, *attributes))

    def _has_type(self, headers: Mapping[str, str] | None, payload: bytes) -> bool:
        if not self.type:
            return True
        # Much cheaper than to read each event: most are of another type.
        structured = cloudevent.is_structured(headers)
        if structured and self.type.encode("utf-8", "replace") not in payload and b"\\" not in payload:
            return False
        try:
            return cloudevent.read(payload, headers).type == self.type
        except cloudevent.NotACloudEventError:
            return False


ANY: Final = Criteria()


def _legible(payload: bytes) -> str:
    """The text of a message; characters that JSON holds as escapes are written out."""
    if _ESCAPE in payload:
        with suppress(ValueError):
            payload = to_json(from_json(payload), inf_nan_mode="strings")
    return payload.decode("utf-8", "replace")
