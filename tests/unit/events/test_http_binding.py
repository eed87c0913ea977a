"""The HTTP binding: what headers and a body become, and which mode a request is in."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given
from hypothesis import strategies as st

from app.events import cloudevent, http, incoming
from app.events.cloudevent import NotACloudEventError
from app.events.http import CharsetError, Mode
from app.events.jsontext import TooDeepError
from tests.unit.events.examples import json_objects, json_values
from tests.unit.events.specification import BINARY, BINARY_TYPE, SUBJECT, VALUES
from tests.unit.events.test_cloudevent_sdk import attributes, attributes_of


def raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def event_of(content_type: str, body: bytes, **more: str) -> dict[str, Any]:
    """What is published of the specification's example with another body."""
    composed = incoming.structured(http.structured(content_type, raw(BINARY | more), body))
    event: dict[str, Any] = json.loads(composed.payload)
    return event


def test_the_example_of_the_specification_becomes_a_structured_event() -> None:
    assert event_of(BINARY_TYPE, b'{"a": 1}') == {
        "specversion": "1.0",
        "type": "com.example.someevent",
        "time": "2018-04-05T03:56:24Z",
        "id": "1234-1234-1234",
        "source": "/mycontext/subcontext",
        "subject": SUBJECT,
        "datacontenttype": "application/json; charset=utf-8",
        "data": {"a": 1},
    }


@given(attributes, json_objects)
def test_what_the_sdk_sends_is_read_back_as_the_same_event(given_attributes: dict[str, Any], data: Any) -> None:
    sdk = SdkEvent({**given_attributes, "subject": SUBJECT, "specversion": "1.0"}, data)
    message = sdk_http.to_binary_event(sdk)
    headers = {name: value for name, value in message.headers.items() if name.lower() != "content-type"}
    composed = incoming.structured(http.structured("application/json", raw(headers), message.body))
    event = cloudevent.read(composed.payload, composed.headers)
    assert attributes_of(event) == sdk.get_attributes()
    assert event.data == data


@pytest.mark.parametrize("written", VALUES)
def test_values_of_headers_are_decoded_once(written: str) -> None:
    assert event_of("application/json", b"1", **{"ce-x": written})["x"] == VALUES[written]


@given(json_values)
def test_json_is_kept_to_the_byte(value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    assert http.structured("application/json", raw(BINARY), body).endswith(b'"data":' + body + b"}")


def test_large_numbers_in_json_stay_as_they_are() -> None:
    body = b' {"big":12345678901234567890123,"huge":1e400,"exact":1.10}\n'
    payload = http.structured("application/problem+json", raw(BINARY), body)
    assert incoming.structured(payload).payload.endswith(b'"data":' + body + b"}")


TEXTS = ["text/plain", "text/plain; charset=UTF-8", 'text/html; charset="us-ascii"', "application/xml", "image/svg+xml"]


@pytest.mark.parametrize("content_type", TEXTS)
def test_a_text_becomes_a_string(content_type: str) -> None:
    event = event_of(content_type, b'"hi"\n')
    assert (event["data"], event["datacontenttype"]) == ('"hi"\n', content_type)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", b"text all the same"),
        ("image/png", b"\x89PNG\x00"),
        ("text/plain; charset=iso-8859-1", b"\xe9"),
        ("text/plain", b"\xff\x00"),
        ("", b"\xff"),
    ],
)
def test_what_is_no_text_becomes_base64(content_type: str, body: bytes) -> None:
    event = event_of(content_type, body)
    assert base64.b64decode(event["data_base64"]) == body
    assert "data" not in event
    assert event.get("datacontenttype", "") == content_type


@given(st.binary(min_size=1))
def test_any_bytes_come_through(body: bytes) -> None:
    assert base64.b64decode(event_of("application/octet-stream", body)["data_base64"]) == body


def test_without_a_media_type_nothing_is_invented() -> None:
    assert event_of("", b'{"a":1}')["data"] == {"a": 1}
    assert event_of("", b"hello")["data"] == "hello"
    assert "datacontenttype" not in event_of("", b"hello")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_an_empty_body_is_no_data(content_type: str) -> None:
    assert not {"data", "data_base64"} & event_of(content_type, b"").keys()


@pytest.mark.parametrize("body", [b"{", b"1,2", b'1,"id":"x"', b'1}{"a":2', b"NaN", b"\xff", b"hello"])
def test_a_body_that_is_not_the_json_it_ought_to_be_is_refused(body: bytes) -> None:
    with pytest.raises(NotACloudEventError, match="JSON"):
        http.structured("application/json", raw(BINARY), body)


def test_json_that_is_too_deep_is_refused() -> None:
    for content_type in ("application/json", ""):
        with pytest.raises(TooDeepError):
            http.structured(content_type, raw(BINARY), b"[" * 70 + b"]" * 70)
    assert event_of("text/plain", b"[" * 70)["data"] == "[" * 70


@pytest.mark.parametrize("value", ["%FF", "%C0%A0", "%ED%A0%80"])
def test_an_attribute_that_is_not_utf_8_is_refused(value: str) -> None:
    with pytest.raises(NotACloudEventError, match="ce-x is not UTF-8"):
        http.structured("", raw({"ce-x": value}), b"")


@pytest.mark.parametrize("value", ["a%0D%0Ab", "%00", "a%0A", "%7F", "%C2%85"])
@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "x"])
def test_control_characters_in_attributes_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"control|printable"):
        event_of("", b"", **{f"ce-{name}": f"ops.{value}"})


@pytest.mark.parametrize("name", ["ce-data", "ce-data_base64", "ce-datacontenttype", "ce-a-b", "ce-a_b", "ce-"])
def test_headers_that_are_no_attributes_are_refused(name: str) -> None:
    with pytest.raises(NotACloudEventError):
        event_of("", b"", **{name: "x"})


def test_a_header_that_is_there_twice_is_refused() -> None:
    with pytest.raises(NotACloudEventError, match="ce-id"):
        http.structured("", [*raw(BINARY), (b"ce-id", b"other")], b"")


MODES = [
    ("application/cloudevents+json", {}, Mode.STRUCTURED),
    ("Application/CloudEvents+JSON; charset=utf-8", BINARY, Mode.STRUCTURED),
    ("application/cloudevents-batch+json", BINARY, Mode.BATCH),
    ("application/cloudevents+avro", BINARY, None),
    ("application/cloudevents", BINARY, None),
    ("application/json", BINARY, Mode.BINARY),
    ("", {"ce-id": "1"}, Mode.BINARY),
    ("application/json", {}, None),
    ("", {}, None),
]


@pytest.mark.parametrize(("content_type", "headers", "expected"), MODES)
def test_the_mode_is_that_of_the_content_type_and_of_headers_else(
    content_type: str, headers: dict[str, str], expected: Mode | None
) -> None:
    assert http.mode(content_type, raw(headers)) is expected


@pytest.mark.parametrize("media", ["application/cloudevents+json", "application/cloudevents-batch+json"])
def test_json_in_another_encoding_than_utf_8_is_refused(media: str) -> None:
    with pytest.raises(CharsetError, match="UTF-8"):
        http.mode(f"{media}; charset=utf-16", ())
    with pytest.raises(CharsetError, match="UTF-8"):
        http.structured("application/json;charset=latin1", raw(BINARY), b"{}")
