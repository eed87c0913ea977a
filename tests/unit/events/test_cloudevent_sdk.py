"""The CloudEvents SDK as an oracle: we read what it writes, and it reads what we write."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given
from hypothesis import strategies as st

from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from tests.unit.events.examples import json_objects

printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=15)
with_spaces = st.builds("{} {}".format, printable, printable)
words = printable | with_spaces | st.sampled_from(["100%", "%41", '"quoted"', "a,b;c=d", "€", "日本 語", "\U0001f600"])
instants = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 -- bounds of aware values must be naive
attributes = st.fixed_dictionaries(
    {"id": words, "source": words, "type": words, "time": instants, "datacontenttype": st.just("application/json")},
    optional={"subject": words, "dataschema": words, "cluster": words, "traceparent": words, "x1": words},
)


def attributes_of(event: CloudEvent[Any]) -> dict[str, Any]:
    """What the event says of itself, without the attributes that it lacks."""
    named = {name: getattr(event, name) for name in CloudEvent.model_fields if name != "data"}
    return {name: value for name, value in {**named, **(event.model_extra or {})}.items() if value is not None}


@given(attributes, json_objects)
def test_structured_events_of_the_sdk_are_read(given_attributes: dict[str, Any], data: dict[str, Any]) -> None:
    sdk = SdkEvent({**given_attributes, "specversion": "1.0"}, data)
    message = http.to_structured_event(sdk)
    event = cloudevent.read(message.body, message.headers)

    assert attributes_of(event) == sdk.get_attributes()
    assert event.data == data


@given(attributes, json_objects)
def test_binary_events_of_the_sdk_are_read(given_attributes: dict[str, Any], data: dict[str, Any]) -> None:
    sdk = SdkEvent({**given_attributes, "specversion": "1.0"}, data)
    message = http.to_binary_event(sdk)

    assert not cloudevent.is_structured(message.headers)
    event = cloudevent.read(message.body, message.headers)
    assert attributes_of(event) == sdk.get_attributes()
    assert event.data == data


@given(attributes, json_objects)
def test_our_events_are_read_by_the_sdk(given_attributes: dict[str, Any], data: dict[str, Any]) -> None:
    event = CloudEvent[Any](**given_attributes, data=data)
    body = cloudevent.encode(event)
    sdk = http.from_http_event(http.HTTPMessage(cloudevent.headers(event.id), body))

    assert sdk.get_attributes() == attributes_of(event)
    assert sdk.get_data() == data


@given(attributes, json_objects)
def test_what_came_in_binary_is_read_by_the_sdk_when_we_write_it_structured(
    given_attributes: dict[str, Any], data: dict[str, Any]
) -> None:
    sdk = SdkEvent({**given_attributes, "specversion": "1.0"}, data)
    message = http.to_binary_event(sdk)
    again = cloudevent.encode(cloudevent.read(message.body, message.headers))
    read = http.from_structured_event(http.HTTPMessage({}, again))

    assert read.get_attributes() == sdk.get_attributes()
    assert read.get_data() == data


@pytest.mark.parametrize("text", ["hello", "", "é 日本", '{"a": 1}'])
def test_text_data_of_the_sdk_is_read_in_both_modes(text: str) -> None:
    sdk = SdkEvent({"id": "1", "source": "/s", "type": "T", "datacontenttype": "text/plain"}, text)
    structured, binary = http.to_structured_event(sdk), http.to_binary_event(sdk)

    assert cloudevent.read(structured.body, structured.headers).data == text
    assert cloudevent.read(binary.body, binary.headers).data == (text or None)


def test_binary_data_of_the_sdk_comes_through_as_it_was() -> None:
    sdk = SdkEvent({"id": "1", "source": "/s", "type": "T", "datacontenttype": "application/octet-stream"}, b"\x00\xff")
    message = http.to_structured_event(sdk)
    again = cloudevent.encode(cloudevent.read(message.body, message.headers))

    assert http.from_structured_event(http.HTTPMessage({}, again)).get_data() == b"\x00\xff"
