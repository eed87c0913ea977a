"""How a message of the stream is shown: an item of a list of events, as JSON bytes. Pure.

Called for each event of a query and of a tail. What is JSON already is put in as it lies there, so that big integers
and floats stay what they were (`docs/decisions/0001`), and so does white space, newlines included.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Final

from pydantic_core import from_json, to_json

from app.events import cloudevent

_NOT_FINITE: Final = (b"NaN", b"Infinity")  # pydantic reads them, and JSON does not know them


def item(sequence: int, subject: str, stored: float, headers: Mapping[str, str] | None, payload: bytes) -> bytes:
    """`{subject, sequence, time, event}`; `stored` is when the stream took the message, in Unix seconds."""
    written = to_json(subject), sequence, rfc3339(stored).encode(), shown(payload, headers)
    return b'{"subject":%s,"sequence":%d,"time":"%s","event":%s}' % written


def omitted(sequence: int, subject: str, stored: float, size: int) -> bytes:
    """The same for a message that is named only, because too much stands around it; `size` in bytes."""
    written = to_json(subject), sequence, rfc3339(stored).encode(), size
    return b'{"subject":%s,"sequence":%d,"time":"%s","event":{"omitted_bytes":%d}}' % written


def rfc3339(time: float) -> str:
    """A time in Unix seconds, in UTC and milliseconds; never later than it was, so that a query from it on finds it."""
    whole, milliseconds = divmod(round(time * 1_000_000) // 1000, 1000)
    moment = dt.datetime.fromtimestamp(whole, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def shown(payload: bytes, headers: Mapping[str, str] | None) -> bytes:
    """The CloudEvent in a message, whichever its mode; what is none is shown raw."""
    try:
        event = cloudevent.read(payload, headers)
    except cloudevent.NotACloudEventError:
        return _raw(payload)
    if cloudevent.is_structured(headers):
        return payload if _is_json(payload) else _raw(payload)
    return _enveloped(event, payload)


def _enveloped(event: cloudevent.CloudEvent[object], payload: bytes) -> bytes:
    """An event in binary mode in the envelope that it would have had."""
    if not payload:
        return cloudevent.encode_with(event, b"")
    if "json" in (event.datacontenttype or "").lower():
        return cloudevent.encode_with(event, payload) if _is_json(payload) else _raw(payload)
    if (text := _text(payload)) is not None:
        return cloudevent.encode_with(event, to_json(text))
    return b'%s,"data_base64":"%s"}' % (cloudevent.encode_with(event, b"")[:-1], base64.b64encode(payload))


def _raw(payload: bytes) -> bytes:
    text = _text(payload)
    return b'{"raw_base64":"%s"}' % base64.b64encode(payload) if text is None else b'{"raw":%s}' % to_json(text)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _is_json(payload: bytes) -> bool:
    """Whether what pydantic has read is JSON by the letter."""
    if not any(word in payload for word in _NOT_FINITE):
        return True
    try:
        from_json(payload, allow_inf_nan=False)
    except ValueError:
        return False
    return True
