"""Events of others in structured JSON: what is taken is published to the byte, what is not is told why."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given
from hypothesis import strategies as st

from app.events import cloudevent, incoming, jsontext
from app.events.cloudevent import NotACloudEventError
from app.events.subject import InvalidSubjectError
from tests.unit.events.examples import any_text, json_objects
from tests.unit.events.specification import BATCH, STRUCTURED_EVENTS, SUBJECT
from tests.unit.events.test_cloudevent_sdk import attributes, attributes_of

EVENT: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/s", "type": "T", "subject": SUBJECT}


def written(**changes: Any) -> bytes:
    """An event; `...` takes an attribute away."""
    return json.dumps({name: value for name, value in (EVENT | changes).items() if value is not ...}).encode()


@pytest.mark.parametrize("name", STRUCTURED_EVENTS)
def test_examples_of_the_specification_are_published_as_they_are(name: str) -> None:
    text = STRUCTURED_EVENTS[name]
    composed = incoming.structured(b" " + text + b"\n")
    assert composed.payload == text
    assert (composed.id, composed.subject) == ("C234-1234-1234", SUBJECT)
    assert composed.headers == {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": "C234-1234-1234"}


def test_the_batch_of_the_specification_holds_two_events() -> None:
    composed = [incoming.checked(text, value) for text, value in jsontext.elements(BATCH)]
    assert [one.id for one in composed] == ["B234-1234-1234", "C234-1234-1234"]
    assert [json.loads(one.payload) for one in composed] == json.loads(BATCH)


@given(attributes, json_objects)
def test_what_the_sdk_sends_is_read_back_as_the_same_event(given_attributes: dict[str, Any], data: Any) -> None:
    sdk = SdkEvent({**given_attributes, "subject": SUBJECT, "specversion": "1.0"}, data)
    composed = incoming.structured(sdk_http.to_structured_event(sdk).body)
    event = cloudevent.read(composed.payload, composed.headers)
    assert attributes_of(event) == sdk.get_attributes()
    assert event.data == data


def test_data_is_kept_to_the_byte() -> None:
    data = '{"z":12345678901234567890123,"a":1.10,"m":1E400,"é":"\\u00e9 <&>", "n":[1, null],"z":1}'.encode()
    text = written()[:-1] + b', "data" : ' + data + b" }"
    assert incoming.structured(text).payload == text


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("value", [..., None, "", 1, [], {}], ids=repr)
def test_a_required_attribute_is_demanded_and_never_invented(name: str, value: Any) -> None:
    with pytest.raises(NotACloudEventError, match=f"^{name}"):
        incoming.structured(written(**{name: value}))


@pytest.mark.parametrize(
    "subject",
    [
        *(..., None, "ops", "ops.", "other.x", "$JS.API.STREAM.DELETE.ops", "OPS.x", "ops.a..b", "ops.*", "ops.a.>"),
        *("ops.a b", "ops.a\u2028b", "ops.a\u00a0b", "ops." + "a" * 1024, " ops.a", "ops.\ufffd"),
    ],
)
def test_a_subject_that_cannot_be_published_to_is_refused(subject: Any) -> None:
    with pytest.raises(InvalidSubjectError, match="subject"):
        incoming.structured(written(subject=subject))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"specversion": "0.3"}, "^specversion"),
    ({"subject": 1}, "^subject"),
    ({"time": "2026-11-23"}, "^time"),
    ({"time": "2026-11-23T04:50:41"}, "^time"),
    ({"time": "2026-11-23 04:50:41Z"}, "^time"),
    ({"time": "2026-02-30T04:50:41Z"}, "^time"),
    ({"time": "1795409366"}, "^time"),
    ({"time": 1795409366}, "^time"),
    ({"datacontenttype": "json"}, "^datacontenttype"),
    ({"datacontenttype": ""}, "^datacontenttype"),
    ({"datacontenttype": 1}, "^datacontenttype"),
    ({"dataschema": ""}, "^dataschema"),
    ({"dataschema": 1}, "^dataschema"),
    ({"Subject": "x"}, "lower-case"),
    ({"my-extension": "x"}, "lower-case"),
    ({"": "x"}, "lower-case"),
    ({"é": "x"}, "lower-case"),
    ({"x" * 500: 1.5}, "integer of 32 bits"),
    ({"x": [1]}, "integer of 32 bits"),
    ({"x": {}}, "integer of 32 bits"),
    ({"x": 1.5}, "integer of 32 bits"),
    ({"x": 2**31}, "integer of 32 bits"),
    ({"x": "a\nb"}, "^x has a control character"),
    ({"source": "a\x7f"}, "^source has a control character"),
    ({"type": "a\ufffe"}, "^type has"),
    ({"data": 1, "data_base64": "AA=="}, "both"),
    ({"data_base64": "!"}, "Base64"),
    ({"data_base64": "AA"}, "Base64"),
    ({"data_base64": "AA==\n"}, "Base64"),
    ({"data_base64": 7}, "Base64"),
]


@pytest.mark.parametrize(("changes", "says"), REFUSED, ids=str)
def test_what_breaks_the_specification_is_refused_by_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(NotACloudEventError, match=says) as refused:
        incoming.structured(written(**changes))
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "2026-11-23T04:50:41.123456789+05:30"},
        {"time": "2026-11-23t04:50:41z"},
        {"datacontenttype": 'text/plain; charset="utf-8"'},
        {"x": -(2**31), "y": True, "z": "", "n": None, "averylongnameofanextension": "1"},
        {"time": None, "datacontenttype": None, "dataschema": None},
        {"data": None},
        {"data_base64": ""},
    ],
    ids=str,
)
def test_what_the_specification_allows_is_taken(changes: dict[str, Any]) -> None:
    assert incoming.structured(written(**changes)).payload == written(**changes)


@pytest.mark.parametrize("name", ["id", "subject", "data", "x"])
def test_a_member_that_stands_there_twice_is_refused(name: str) -> None:
    value = json.dumps(EVENT.get(name, "1")).encode()
    text = b'%s,"%s":%s,"%s":%s}' % (written(**{name: ...})[:-1], name.encode(), value, name.encode(), value)
    with pytest.raises(NotACloudEventError, match=f"'{name}' stands there more than once"):
        incoming.structured(text)


@pytest.mark.parametrize("text", [b"", b"hello", b"[]", b"null", b"1", b'"x"', b"{", b"\xff", written() + b"x"])
def test_what_is_no_object_is_no_event(text: bytes) -> None:
    with pytest.raises(NotACloudEventError):
        incoming.structured(text)


@pytest.mark.parametrize("data", [b"NaN", b"Infinity", b"[1,]", b'"\\ud800"'])
def test_data_that_readers_could_not_read_is_refused(data: bytes) -> None:
    with pytest.raises(NotACloudEventError):
        incoming.structured(written()[:-1] + b',"data":' + data + b"}")


@given(st.sampled_from(["id", "subject", "source", "type", "x"]), any_text)
def test_nothing_hostile_gets_into_a_header_or_a_subject(name: str, text: str) -> None:
    value = f"ops.{text}" if name == "subject" else text
    try:
        composed = incoming.structured(written(**{name: value}))
    except (NotACloudEventError, InvalidSubjectError):
        return
    assert composed.id.isprintable()
    assert composed.id == composed.id.strip()
    assert not re.search(r"[\s\x00-\x1f\x7f-\x9f*>]", composed.subject)
    assert cloudevent.read(composed.payload).id == composed.id


@pytest.mark.parametrize("identity", ["x" * 256, " 1", "1 ", "a\r\nb", "a\nb", "a\x00b", "a\u2028b", "a\x85b"])
def test_an_id_that_would_not_come_through_a_header_is_refused(identity: str) -> None:
    with pytest.raises(NotACloudEventError, match="255"):
        incoming.structured(written(id=identity))
