"""CloudEvents over HTTP: which mode a request is in, and what its headers and body become. Pure.

Source: the CloudEvents 1.0.2 HTTP protocol binding. Header names are in lower case, as ASGI has them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final
from urllib.parse import unquote_to_bytes

from pydantic_core import to_json

from app.events import jsontext
from app.events.cloudevent import CONTENT_TYPE, NotACloudEventError

BATCH_TYPE: Final = "application/cloudevents-batch+json"

Headers = Iterable[tuple[bytes, bytes]]

_PREFIX: Final = b"ce-"
_FAMILY: Final = "application/cloudevents"  # all of its types are other modes than binary
_PARAMETER = re.compile(r';[ \t]*charset[ \t]*=[ \t]*"?([^\s";]+)"?', re.IGNORECASE)
_JSON = re.compile(r"[^/]+/(?:.+\+)?json")
_TEXT = re.compile(r"text/.+|.+[/+](?:xml|yaml)|application/x-www-form-urlencoded")
_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class Mode(Enum):
    """How an event lies in a request."""

    BINARY = "attributes in headers, data in the body"
    STRUCTURED = "the event in the body"
    BATCH = "several events in the body"


class CharsetError(ValueError):
    """JSON in another encoding than UTF-8, which is the only one it may have."""


def mode(content_type: str, headers: Headers) -> Mode | None:
    """The mode of a request; None where there is no event in it, or in a format that is not ours.

    Raises:
        CharsetError: the body is said to be in another encoding than UTF-8.
    """
    media = media_type(content_type)
    if media in {CONTENT_TYPE, BATCH_TYPE}:
        _require_utf_8(content_type)
        return Mode.STRUCTURED if media == CONTENT_TYPE else Mode.BATCH
    if media.startswith(_FAMILY) or not any(name.startswith(_PREFIX) for name, _ in headers):
        return None
    return Mode.BINARY


def media_type(content_type: str) -> str:
    """A media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def structured(content_type: str, headers: Headers, body: bytes) -> bytes:
    """An event in binary mode as structured JSON, its data to the byte. What the event is worth is not looked at.

    Raises:
        NotACloudEventError: an attribute stands there twice or cannot be read, or the data is not JSON but ought to be.
        CharsetError: the data is JSON in another encoding than UTF-8.
        TooDeepError: the data is JSON that is nested too deep.
    """
    attributes: dict[str, str] = {}
    for name, value in _attributes(headers):
        if name in attributes:
            raise NotACloudEventError(f"the header ce-{name} is there more than once")
        attributes[name] = value
    if content_type:
        attributes["datacontenttype"] = content_type
    return b"{%s}" % b",".join(part for part in (to_json(attributes)[1:-1], _data(content_type, body)) if part)


def _attributes(headers: Headers) -> Iterator[tuple[str, str]]:
    for key, value in headers:
        if key.startswith(_PREFIX):
            name = key[len(_PREFIX) :].decode("latin-1")
            if name in {"data", "data_base64", "datacontenttype"}:
                raise NotACloudEventError(f"the header ce-{name}: data is the body, and its type is Content-Type")
            yield name, _text(name, value)


def _text(name: str, value: bytes) -> str:
    """A header's value: a quoted string is taken apart, and then percent-encoding, once."""
    value = value.strip(b" \t")
    if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"'):
        value = _ESCAPED.sub(rb"\1", value[1:-1])
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise NotACloudEventError(f"the header ce-{name} is not UTF-8: percent-encode what is no ASCII") from None


def _data(content_type: str, body: bytes) -> bytes:
    """The member of the event that holds the data; none for an empty body."""
    if not body:
        return b""
    if not content_type:
        return _whatever(body)
    media = media_type(content_type)
    if _JSON.fullmatch(media):
        _require_utf_8(content_type)
        return _json(body)
    return _texts(body) if _TEXT.fullmatch(media) and _is_utf_8(content_type) else _binary(body)


def _whatever(body: bytes) -> bytes:
    """Data of which nobody says what it is: JSON, as an event's data is unless it says otherwise, or else a text."""
    try:
        return _json(body)
    except NotACloudEventError:
        return _texts(body)


def _json(body: bytes) -> bytes:
    try:
        jsontext.value(body)
    except jsontext.TooDeepError:
        raise
    except jsontext.NotJsonError as error:
        raise NotACloudEventError(f"the body is not the JSON that Content-Type promises: {error}") from None
    return b'"data":%s' % body


def _texts(body: bytes) -> bytes:
    try:
        return b'"data":%s' % to_json(body.decode())
    except UnicodeDecodeError:
        return _binary(body)


def _binary(body: bytes) -> bytes:
    return b'"data_base64":"%s"' % base64.b64encode(body)


def _is_utf_8(content_type: str) -> bool:
    named = _PARAMETER.search(content_type)
    return named is None or named[1].lower() in _UTF_8


def _require_utf_8(content_type: str) -> None:
    if not _is_utf_8(content_type):
        raise CharsetError(f"{content_type[:80]}: send JSON in UTF-8")
