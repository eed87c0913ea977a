"""Writing events: nothing is lost on the way, and a caller's data is kept to the byte."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any, NoReturn

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from tests.unit.events.examples import WIRE, json_objects, json_values, wire

AT = dt.datetime(2026, 11, 23, 4, 50, 41, 123456, tzinfo=dt.UTC)

some_text = st.text(min_size=1, max_size=12)
instants = st.datetimes(timezones=st.just(dt.UTC))
events = st.builds(
    CloudEvent[Any],
    id=some_text,
    source=some_text,
    type=some_text,
    subject=st.none() | some_text,
    time=st.none() | instants,
    cluster=st.none() | some_text,
    data=json_values,
    traceparent=some_text,
    sequence=st.integers(),
)


def strict(text: bytes | str) -> Any:
    """Parse JSON as RFC 8259 has it, without Python's NaN and Infinity."""

    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@given(events)
def test_an_event_that_is_written_is_read_back_as_it_was(event: CloudEvent[Any]) -> None:
    assert cloudevent.read(cloudevent.encode(event)) == event


@pytest.mark.parametrize("name", WIRE)
def test_reading_and_writing_again_keeps_the_meaning(name: str) -> None:
    before, after = strict(wire(name)), strict(cloudevent.encode(cloudevent.read(wire(name))))

    # Microseconds are what Python's datetime holds.
    assert before.pop("time")[:26] == after.pop("time")[:26]
    assert after == before


@given(json_values, st.dictionaries(st.text("abcxyz", min_size=1), st.text() | st.integers() | st.booleans()))
def test_unknown_extensions_and_data_survive_reading_and_writing(data: object, extensions: dict[str, Any]) -> None:
    assume(not set(extensions) & set(CloudEvent.model_fields))
    written = {"specversion": "1.0", "id": "1", "source": "/s", "type": "T", "datacontenttype": "application/json"}
    before = {**written, **extensions, "data": data}

    assert strict(cloudevent.encode(cloudevent.read(json.dumps(before).encode()))) == before


def test_attributes_without_a_value_are_left_out() -> None:
    assert strict(cloudevent.encode(CloudEvent(id="1", type="T", data={}))) == {
        "specversion": "1.0",
        "id": "1",
        "source": "https://github.com/shaowenchen/ops",
        "type": "T",
        "datacontenttype": "application/json",
        "data": {},
    }


def test_the_time_is_written_as_rfc_3339_in_utc() -> None:
    assert strict(cloudevent.encode(CloudEvent(id="1", type="T", time=AT)))["time"] == "2026-11-23T04:50:41.123456Z"


def test_now_is_in_utc() -> None:
    assert cloudevent.now().utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    "data",
    [
        b'{"big":123456789012345678901234567890}',
        b'{"huge":1e400}',
        b'{"z":1,"a":2,"z2":3}',
        b'{"price":1.10}',
        b'{"n":1E5, "m":-0.0}',
        b'{"escapes":"\\u00e9\\u003cb\\u003e\\/\\ud83d\\ude00"}',
        b'{ "white" :\t[ 1 ,\n 2 ]\r\n}',
        b'{"a":null,"b":[]}',
        b'{"data":{"id":"2"},"specversion":"0.3"}',
        b'{"braces":"}}\\"}"}',
        b"{}",
    ],
)
def test_data_that_is_json_already_is_kept_to_the_byte(data: bytes) -> None:
    event = CloudEvent[Any](
        id="1",
        type="T",
        subject="ops.a",
        time=AT,
        cluster="c",
        traceparent="00-ab",
    )
    encoded = cloudevent.encode_with(event, data)

    assert encoded.endswith(b'"data":' + data + b"}")
    assert json.loads(encoded) == {
        "specversion": "1.0",
        "id": "1",
        "source": "https://github.com/shaowenchen/ops",
        "type": "T",
        "subject": "ops.a",
        "time": "2026-11-23T04:50:41.123456Z",
        "datacontenttype": "application/json",
        "cluster": "c",
        "traceparent": "00-ab",
        "data": json.loads(data),
    }


@given(events, json_objects)
def test_data_that_is_put_in_takes_the_place_of_the_events_own(event: CloudEvent[Any], data: dict[str, Any]) -> None:
    encoded = cloudevent.encode_with(event, json.dumps(data).encode())

    assert cloudevent.read(encoded) == event.model_copy(update={"data": data})


def test_a_number_beyond_the_range_of_a_double_never_becomes_a_word_that_is_no_json() -> None:
    event = cloudevent.read(b'{"specversion":"1.0","id":"1","source":"/s","type":"T","data":{"huge":1e400}}')

    strict(cloudevent.encode(event))


def test_an_event_with_binary_data_is_not_given_a_second_data_member() -> None:
    event = cloudevent.read(b'{"specversion":"1.0","id":"1","source":"/s","type":"T","data_base64":"AAE="}')
    written = strict(cloudevent.encode(event))

    assert written["data_base64"] == "AAE="
    assert "data" not in written  # the JSON format allows one of the two


def test_the_headers_name_the_content_type_and_the_id_that_deduplicates() -> None:
    assert cloudevent.headers("7") == {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": "7"}


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_equal_parts_give_equal_ids(parts: list[str]) -> None:
    first = cloudevent.deterministic_id(*parts)

    assert first == cloudevent.deterministic_id(*parts)
    assert uuid.UUID(first).version == 5


near = st.lists(st.sampled_from(["", "a", "b", "c", "ab", "bc", "\x1f", "a\x1fb", "\x00", "1"]), min_size=1, max_size=3)


@given(near, near)
@example(["a", "bc"], ["ab", "c"])
@example(["a", ""], ["a"])
@example(["", "a"], ["a", ""])
@example(["abc"], ["a", "b", "c"])
def test_different_parts_give_different_ids(one: list[str], other: list[str]) -> None:
    assert (cloudevent.deterministic_id(*one) == cloudevent.deterministic_id(*other)) == (one == other)


def test_deterministic_ids_are_the_same_in_every_release() -> None:
    # A replica of another release must recognise its own event: this value never changes.
    assert cloudevent.deterministic_id("prod", "uid-1", "42") == "c6cbec64-21e9-5f5c-9d0b-9856816339b6"


def test_random_ids_differ() -> None:
    ids = {cloudevent.random_id() for _ in range(100)}

    assert len(ids) == 100
    assert {uuid.UUID(each).version for each in ids} == {4}
