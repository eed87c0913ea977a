"""The envelope: CloudEvents 1.0, as JSON bytes in and out.

Source: the CloudEvents 1.0.2 specification, its JSON format and its NATS protocol binding.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final, Generic, Literal, TypeVar
from urllib.parse import unquote

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError
from pydantic_core import from_json, to_json

SOURCE: Final = "https://github.com/shaowenchen/ops"
CONTENT_TYPE: Final = "application/cloudevents+json"
JSON_TYPE: Final = "application/json"
LONGEST_ID: Final = 255  # characters

# Deterministic ids live in a namespace of their own, so that they never collide with other programs' UUIDv5s.
_IDS: Final = uuid.uuid5(uuid.NAMESPACE_URL, SOURCE)

_PREFIXES: Final = frozenset({"ce-", "Ce-", "cE-", "CE-"})  # of attributes in headers, in binary mode

DataT = TypeVar("DataT")

_Text = Annotated[str, Strict(), Field(min_length=1)]


class NotACloudEventError(ValueError):
    """Bytes that are no CloudEvent. The message names the attribute that is missing or wrong."""


def _no_number(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError("must be a timestamp in RFC 3339, not a number")  # noqa: TRY004 -- pydantic wants a ValueError
    return value


_Time = Annotated[AwareDatetime, BeforeValidator(_no_number)]


class CloudEvent(BaseModel, Generic[DataT]):
    """One event. Extension attributes that we do not know are kept in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    specversion: Literal["1.0"] = Field(default="1.0", description="The version of CloudEvents.")
    id: _Text = Field(description="Unique for its source; also the NATS message id that deduplicates.")
    source: _Text = Field(default=SOURCE, description="Who made the event.")
    type: _Text = Field(description="The name of the event type in the catalog.")
    subject: _Text | None = Field(default=None, description="The NATS subject.")
    datacontenttype: _Text | None = Field(default=JSON_TYPE, description="The media type of `data`.")
    time: _Time | None = Field(default=None, description="When it happened, RFC 3339, in UTC.")
    cluster: _Text | None = Field(default=None, description="Extension: the cluster it came from (EVENT_CLUSTER).")
    data: DataT | None = Field(default=None, description="What happened, by the event's type.")


def deterministic_id(*identity: str) -> str:
    """The UUIDv5 of something that has an identity of its own: the same parts give the same id on every replica."""
    return str(uuid.uuid5(_IDS, to_json(identity).decode()))


def random_id() -> str:
    """A UUIDv4. Ids are no secrets, so they come from the generator that needs no system call."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def check_id(given: str) -> str:
    """Return an id that can be published: it goes into a header too, and has to come out of it unchanged.

    Raises:
        NotACloudEventError: it cannot.
    """
    if not 0 < len(given) <= LONGEST_ID or not given.isprintable() or given != given.strip():
        raise NotACloudEventError(
            f"the id {given[:80]!r} has {len(given)} characters: use 1 to {LONGEST_ID} printable ones, without spaces"
            " at the ends"
        )
    return given


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def encode(event: CloudEvent[Any]) -> bytes:
    """The event as structured JSON."""
    return encode_with(event, compact_json(event.data) if "data" in event.model_fields_set else b"")


def compact_json(value: Any) -> bytes:
    """JSON without white space. A float that JSON cannot write, such as one read from 1e400, becomes a string."""
    return to_json(value, by_alias=True, inf_nan_mode="strings")


def encode_with(event: CloudEvent[Any], data: bytes) -> bytes:
    """The event as structured JSON with `data`, JSON already, put in as it is; none where it is empty.

    What a caller posted is so kept to the byte: big integers, floats and the order of keys.
    """
    empty = {name for name in CloudEvent.model_fields if getattr(event, name) is None}
    attributes = event.__pydantic_serializer__.to_json(event, exclude={*empty, "data"}, by_alias=True)
    return b'%s,"data":%s}' % (attributes[:-1], data) if data else attributes


def headers(event_id: str) -> dict[str, str]:
    """The NATS headers of a structured event."""
    return {"Content-Type": CONTENT_TYPE, "Nats-Msg-Id": event_id}


def is_structured(headers: Mapping[str, str] | None) -> bool:
    """Whether a message carries the whole event in its payload, rather than its attributes in headers."""
    for key in headers or ():  # noqa: SIM110 -- a plain loop, for it runs for every event that is read
        if key[:3] in _PREFIXES:
            return False
    return True


def read(payload: bytes, headers: Mapping[str, str] | None = None) -> CloudEvent[Any]:
    """Read a NATS message, structured or binary (`ce-` headers).

    Raises:
        NotACloudEventError: it is neither.
    """
    try:
        if is_structured(headers):
            event = _AnyEvent.model_validate_json(payload)
        else:
            attributes = _binary_attributes(headers or {})
            event = _AnyEvent.model_validate({**attributes, **_binary_data(attributes, payload)})
    except ValidationError as error:
        raise NotACloudEventError(_explain(error)) from error
    # These have defaults for who makes an event. Of what others wrote nothing is invented.
    for required in ("specversion", "source"):
        if required not in event.model_fields_set:
            raise NotACloudEventError(f"{required}: Field required")
    return event


_AnyEvent = CloudEvent[Any]


def _binary_attributes(headers: Mapping[str, str]) -> dict[str, str]:
    attributes = {key[3:].lower(): unquote(value) for key, value in headers.items() if key[:3] in _PREFIXES}
    content_type = next((value for key, value in headers.items() if key.lower() == "content-type"), JSON_TYPE)
    return {"datacontenttype": content_type, **attributes}


def _binary_data(attributes: Mapping[str, str], payload: bytes) -> dict[str, Any]:
    if not payload:
        return {}
    if "json" in attributes["datacontenttype"].lower():
        try:
            return {"data": from_json(payload)}
        except ValueError as error:
            raise NotACloudEventError(f"data: not the JSON that datacontenttype promises ({error})") from error
    return {"data": payload.decode("utf-8", "replace")}


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "message"
    return f"{where}: {first['msg']}"
