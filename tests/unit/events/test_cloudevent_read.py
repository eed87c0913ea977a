"""Reading what others write: structured and binary messages, and what is no event at all."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from app.events import cloudevent
from app.events.cloudevent import NotACloudEventError
from tests.unit.events.examples import WIRE, json_objects, json_values, wire

ATTRIBUTES: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/s", "type": "T"}
HEADERS = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "T", "Content-Type": "application/json"}
REQUIRED = sorted(ATTRIBUTES)


def without(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if key != name}


def structured(**changes: Any) -> bytes:
    return json.dumps({**ATTRIBUTES, **changes}).encode()


@pytest.mark.parametrize("name", WIRE)
def test_what_the_earlier_system_wrote_is_read(name: str) -> None:
    written = json.loads(wire(name))
    event = cloudevent.read(wire(name))

    assert {key: getattr(event, key) for key in written if key != "time"} == without(written, "time")
    assert event.time is not None
    assert event.time.utcoffset() == dt.timedelta(0)
    assert written["time"].startswith(event.time.isoformat()[:26])


def test_a_number_as_large_as_the_earlier_system_wrote_it_is_read_exactly() -> None:
    data: Any = cloudevent.read(wire("nats-custom.body.json")).data

    assert data["big"] == 12345678901234567000


def test_white_space_around_the_json_is_no_hindrance() -> None:
    assert cloudevent.read(b" \n" + structured() + b"\n").id == "1"


def test_unknown_extension_attributes_are_kept() -> None:
    extensions = {"traceparent": "00-ab-cd-01", "sequence": 7, "sampled": True}

    assert cloudevent.read(structured(**extensions)).model_extra == extensions


def test_optional_attributes_may_be_missing() -> None:
    event = cloudevent.read(structured())

    assert (event.subject, event.time, event.cluster, event.data) == (None, None, None, None)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_attribute_is_named(name: str) -> None:
    with pytest.raises(NotACloudEventError, match=f"^{name}: "):
        cloudevent.read(json.dumps(without(ATTRIBUTES, name)).encode())


@pytest.mark.parametrize("value", ["", None, 1, 1.0, True, [], {}, ["1.0"]], ids=repr)
@pytest.mark.parametrize("name", REQUIRED)
def test_an_empty_attribute_and_one_of_the_wrong_type_are_named(name: str, value: object) -> None:
    with pytest.raises(NotACloudEventError, match=f"^{name}: "):
        cloudevent.read(structured(**{name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("specversion", "0.3"),
        ("subject", ""),
        ("subject", 1),
        ("datacontenttype", ""),
        ("cluster", 5),
        ("time", ""),
        ("time", "yesterday"),
        ("time", "2026-11-23T04:45:02"),
        ("time", 1795409366),
    ],
)
def test_an_attribute_with_a_bad_value_is_named(name: str, value: object) -> None:
    with pytest.raises(NotACloudEventError, match=f"^{name}: "):
        cloudevent.read(structured(**{name: value}))


@pytest.mark.parametrize(
    "payload",
    [
        b"hello",
        b"",
        b" ",
        b"[]",
        b"null",
        b"{}",
        b"1",
        b'"hello"',
        b"true",
        b"[{}]",
        b'{"message": "hello"}',
        b"\xff",
        b"{",
    ],
)
def test_what_is_no_cloudevent_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(NotACloudEventError, match=r".+: .+"):
        cloudevent.read(payload)


@given(st.binary() | json_values.map(to_json))
def test_bytes_of_any_kind_are_an_event_or_none_but_never_another_error(payload: bytes) -> None:
    with pytest.raises(NotACloudEventError):
        cloudevent.read(payload)


@given(st.dictionaries(st.sampled_from([*HEADERS, "ce-time", "ce-subject", "ce-x"]), st.text()), st.binary())
@example({**HEADERS, "ce-id": "\ufffd"}, b"")
@example({**HEADERS, "ce-x": "%ED%A0%80%"}, b"")
@example({**HEADERS, "ce-": "x"}, b"1")
def test_headers_of_any_kind_are_an_event_or_none_but_never_another_error(
    headers: dict[str, str], payload: bytes
) -> None:
    try:
        event = cloudevent.read(payload, headers)
    except NotACloudEventError:
        return
    assert event.id


@pytest.mark.parametrize("write", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
def test_binary_headers_are_read_in_any_case(write: Any) -> None:
    headers = {write(key): value for key, value in {**HEADERS, "ce-subject": "ops.a", "ce-cluster": "c"}.items()}
    event = cloudevent.read(b'{"a": 1}', headers)

    assert (event.id, event.source, event.type, event.subject, event.cluster) == ("1", "/s", "T", "ops.a", "c")
    assert event.datacontenttype == "application/json"
    assert event.data == {"a": 1}


def test_binary_values_are_percent_decoded() -> None:
    event = cloudevent.read(b"", {**HEADERS, "ce-subject": "a%20b%E2%82%AC%25", "ce-note": "%22quoted%22"})

    assert event.subject == "a b€%"
    assert event.model_extra == {"note": '"quoted"'}


def test_the_time_of_a_binary_message_is_read() -> None:
    event = cloudevent.read(b"", {**HEADERS, "ce-time": "2026-11-23T04:45:02Z"})

    assert event.time == dt.datetime(2026, 11, 23, 4, 45, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("content_type", "payload", "data"),
    [
        ("application/json", b'{"n": 12345678901234567890123}', {"n": 12345678901234567890123}),
        ("application/json; charset=utf-8", b"[1, null]", [1, None]),
        ("application/vnd.x+json", b'"text"', "text"),
        ("Application/JSON", b'{"a": 1}', {"a": 1}),
        ("text/plain", b"hello \xc3\xa9", "hello é"),
        ("text/plain", b'{"a": 1}', '{"a": 1}'),
        ("text/plain", b"\xff", "\ufffd"),
    ],
)
def test_binary_data_is_read_by_its_content_type(content_type: str, payload: bytes, data: object) -> None:
    event = cloudevent.read(payload, {**HEADERS, "Content-Type": content_type})

    assert event.data == data
    assert event.datacontenttype == content_type


def test_binary_data_without_a_content_type_is_json() -> None:
    assert cloudevent.read(b'{"a": 1}', without(HEADERS, "Content-Type")).data == {"a": 1}


def test_an_empty_binary_message_has_no_data() -> None:
    assert cloudevent.read(b"", HEADERS).data is None


def test_binary_data_that_is_not_the_promised_json_is_said_so() -> None:
    with pytest.raises(NotACloudEventError, match=r"^data: "):
        cloudevent.read(b"hello", HEADERS)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_header_that_is_missing_or_empty_is_named(name: str) -> None:
    with pytest.raises(NotACloudEventError, match=f"^{name}: "):
        cloudevent.read(b"", without(HEADERS, f"ce-{name}"))
    with pytest.raises(NotACloudEventError, match=f"^{name}: "):
        cloudevent.read(b"", {**HEADERS, f"ce-{name}": ""})


def test_headers_of_other_kinds_do_not_make_a_message_binary() -> None:
    headers = {"Content-Type": cloudevent.CONTENT_TYPE, "Nats-Msg-Id": "9", "celsius": "1"}

    assert cloudevent.is_structured(headers)
    assert cloudevent.is_structured(None)
    assert cloudevent.read(structured(), headers).id == "1"


@pytest.mark.parametrize("prefix", ["ce-", "CE-", "Ce-"])
def test_a_cloudevents_header_makes_a_message_binary(prefix: str) -> None:
    assert not cloudevent.is_structured({f"{prefix}id": "1"})


@given(json_objects)
def test_the_data_of_both_modes_is_the_same(data: dict[str, Any]) -> None:
    binary = cloudevent.read(json.dumps(data).encode(), HEADERS)

    assert binary == cloudevent.read(structured(data=data, datacontenttype="application/json"))
