"""Events that others made, checked before they are published: nothing is added, and nothing is written anew. Pure.

Called by `ingress/cloudevents.py`. Source: the CloudEvents 1.0.2 specification, its JSON format and type system.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from app.events import cloudevent, jsontext, subject, trace_context
from app.events.cloudevent import CloudEvent, NotACloudEventError
from app.events.compose import Composed

REQUIRED: Final = ("specversion", "id", "source", "type")

_DATA: Final = frozenset({"data", "data_base64"})
_KNOWN: Final = frozenset({*REQUIRED, "subject", "time", "datacontenttype", "dataschema"})
_COMMON: Final = _DATA | _KNOWN | {"cluster"}  # names that need no look
_INTEGERS: Final = range(-(2**31), 2**31)

_NAME = re.compile(r"[a-z0-9]+")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 -- of RFC 9110
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}[ \t]*(?:;.*)?")

# What the specification excludes from text: control characters, and what are no characters at all.
_ENDS: Final = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_NO_TEXT = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_ENDS}]")


def structured(payload: bytes) -> Composed:
    """An event in structured JSON, to be published as it is.

    Raises:
        NotACloudEventError: it is none, or has not all that it needs; the message names the attribute.
        InvalidSubjectError: its subject is none that can be published to.
        TooDeepError: it is nested too deep.
    """
    payload = payload.strip(b" \t\r\n")
    try:
        return checked(payload, jsontext.value(payload))
    except jsontext.TooDeepError:
        raise
    except jsontext.NotJsonError as error:
        raise NotACloudEventError(f"the event is not JSON: {error}") from None


def checked(payload: bytes, value: Any) -> Composed:
    """The same for an event of which the value is known, as `jsontext.value` has it."""
    members = _members(value)
    _check_names(members)
    event = cloudevent.read(payload)  # as every reader of ours will
    identity = cloudevent.check_id(event.id)
    if not _plain(payload):
        _check_text(members)
    _check_optional(members)
    _check_extensions(event.model_extra or {})
    _check_data(members)
    trace = trace_context.carried(None, event.model_extra)
    return Composed(identity, destination(event), payload, cloudevent.headers(identity), event.type, trace)


def destination(event: CloudEvent[Any]) -> str:
    """Where an event goes: its subject.

    Raises:
        InvalidSubjectError: it has none that can be published to.
    """
    if event.subject is None:
        raise subject.InvalidSubjectError("subject is missing: it says where the event goes, such as ops.my.event")
    if not event.subject.startswith(f"{subject.ROOT}."):
        raise subject.InvalidSubjectError(f"the subject {event.subject[:80]!r} does not begin with {subject.ROOT}.")
    return _validated(event.subject)


@lru_cache(maxsize=8192)  # events repeat the names of a few thousand objects
def _validated(given: str) -> str:
    return subject.validate(given)


def id_of(value: Any) -> str | None:
    """The id that an event has, or what there is of it, where the event is none."""
    members = dict(value) if isinstance(value, tuple) else {}
    found = members.get("id")
    return found[: cloudevent.LONGEST_ID] if isinstance(found, str) else None


def _members(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, tuple):
        raise NotACloudEventError("the event is not a JSON object")
    members = dict(value)
    if len(members) < len(value):
        (twice, _), *_ = Counter(name for name, _ in value).most_common(1)
        raise NotACloudEventError(f"{_shown(twice)} stands there more than once, and readers would not agree on one")
    return members


def _check_names(members: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if members.get(name) is None:
            raise NotACloudEventError(f"{name} is missing: an event needs {', '.join(REQUIRED)} and subject")
    if members.keys() <= _COMMON:
        return
    for name in members.keys() - _COMMON:
        if not _NAME.fullmatch(name):
            raise NotACloudEventError(
                f"{_shown(name)} is no name of an attribute: use lower-case letters and digits, without any others"
            )


def _plain(payload: bytes) -> bool:
    """Whether it cannot hold what is no text: JSON has control characters in escapes only, except this one."""
    return payload.isascii() and b"\\" not in payload and b"\x7f" not in payload


def _check_text(members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if name not in _DATA and isinstance(value, str) and _NO_TEXT.search(value):
            raise NotACloudEventError(f"{name} has a control character, or what is no character: leave it out")


def _check_optional(members: Mapping[str, Any]) -> None:
    time, media = members.get("time"), members.get("datacontenttype")
    if time is not None and not _TIME.fullmatch(time):
        raise NotACloudEventError(f"time is {_shown(time)}: write it by RFC 3339, such as 2026-11-23T04:50:41.5Z")
    if media not in {None, cloudevent.JSON_TYPE} and not _MEDIA_TYPE.fullmatch(media):
        raise NotACloudEventError(f"datacontenttype is {_shown(media)}: write a media type, such as application/json")
    schema = members.get("dataschema")
    if schema is not None and not (isinstance(schema, str) and schema):
        raise NotACloudEventError("dataschema is no URI: write one, or leave it out")


def _check_extensions(extensions: Mapping[str, Any]) -> None:
    for name, value in extensions.items():
        if name in _DATA or name in _KNOWN or value is None or isinstance(value, str | bool):
            continue
        if not isinstance(value, int) or value not in _INTEGERS:
            raise NotACloudEventError(f"{_shown(name)} is no text, boolean or integer of 32 bits: put it into data")


def _check_data(members: Mapping[str, Any]) -> None:
    if members.keys() >= _DATA:
        raise NotACloudEventError("the event has both data and data_base64: send one of them")
    encoded = members.get("data_base64")
    if encoded is None:
        return
    try:
        base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise NotACloudEventError("data_base64 is not Base64, by RFC 4648 section 4") from None


def _shown(text: Any) -> str:
    return repr(text[:80] if isinstance(text, str) else text)
