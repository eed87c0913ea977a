"""What the channel `webhook` sends."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from app.delivery.channels.http import Post
from app.delivery.channels.webhook import request_of as request_at
from app.delivery.delivery import Delivery, Received, delivery_of
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from tests.unit.delivery.doubles import received, target
from tests.unit.events.examples import wire

BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "7",
    "ce-source": "/s",
    "ce-type": "T",
    "ce-note": "a%20b",
    "Content-Type": "application/json",
}


def received_as(payload: bytes, headers: dict[str, str] | None = None) -> Received:
    structured = cloudevent.is_structured(headers)
    return Received(cloudevent.read(payload, headers), payload, structured=structured)


def request_of(delivery: Delivery, timestamp: int = 1_795_409_366) -> Post:
    return request_at(delivery, timestamp)


def body_of(delivery: Delivery) -> bytes:
    return request_of(delivery).body


def test_the_readable_text_is_sent_under_the_content_type_of_old() -> None:
    webhook = CloudEvent[Any](id="1", type="Webhook", data={"content": "disk is full é"})
    request = request_of(delivery_of(Received(webhook, b""), target(url="http://h/x?y=z")))

    assert request.url == "http://h/x?y=z"
    assert request.body == "disk is full é".encode()
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "ops-events"


def test_the_additional_text_stands_behind_the_readable_text() -> None:
    assert body_of(delivery_of(received(data="hello \n"), target(additional=" +add\n"))) == b"hello \n +add\n"


def test_a_lone_surrogate_does_not_stop_the_rest() -> None:
    assert body_of(delivery_of(received(data="a"), target(additional="\ud800b"))) == b"a?b"


def test_the_format_text_is_the_one_without_a_format() -> None:
    with_format = delivery_of(received(), target(options={"format": "text"}))

    assert request_of(with_format) == request_of(delivery_of(received(), target()))


@pytest.mark.parametrize(
    "payload",
    [
        wire("nats-custom.body.json"),
        b' {"type":"T","specversion":"1.0", "source":"/s","id":"1","x":1e400,"data":{"b":1.10,"a":12345678901234567}} ',
    ],
)
def test_the_event_itself_is_sent_as_it_was_stored_to_the_byte(payload: bytes) -> None:
    aimed = target(options={"format": "cloudevents"}, additional="not in an event")
    request = request_of(delivery_of(received_as(payload), aimed))

    assert request.body == payload
    assert request.headers["Content-Type"] == "application/cloudevents+json"


def test_an_event_that_came_in_binary_is_sent_structured() -> None:
    came = received_as(b'{"n": 12345678901234567890123}', BINARY)
    request = request_of(delivery_of(came, target(options={"format": "cloudevents"})))

    assert request.headers["Content-Type"] == "application/cloudevents+json"
    assert json.loads(request.body) == {
        "specversion": "1.0",
        "id": "7",
        "source": "/s",
        "type": "T",
        "note": "a b",
        "datacontenttype": "application/json",
        "data": {"n": 12345678901234567890123},
    }


def test_a_repeat_carries_the_same_id() -> None:
    first, again = (request_of(delivery_of(received("1"), target())) for _ in range(2))

    assert first == again
    assert len(first.headers["webhook-id"]) == 32


def test_a_repeat_says_when_it_is_sent() -> None:
    first, again = (request_of(delivery_of(received("1"), target()), at) for at in (5, 6))

    assert [request.headers["webhook-timestamp"] for request in (first, again)] == ["5", "6"]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


def test_a_replay_carries_its_name_beside_the_id() -> None:
    sent = delivery_of(received("1"), target())
    replayed = request_of(dataclasses.replace(sent, replay="r-7"))

    assert replayed.headers["webhook-replay"] == "r-7"
    assert replayed.headers["webhook-id"] == request_of(sent).headers["webhook-id"]


def test_a_hook_with_keys_signs_what_it_sends() -> None:
    request = request_at(delivery_of(received("1"), target()), int(time.time()), (b"one", b"two"))

    for key in (b"one", b"two"):
        Verifier(key).verify(request.body, dict(request.headers), json_parse=False)


def test_an_id_belongs_to_one_event_and_one_target() -> None:
    other_source = CloudEvent[Any](id="1", source="/other", type="T", data="hello")
    deliveries = [
        delivery_of(received("1"), target("hooks.ns.a")),
        delivery_of(received("1"), target("hooks.ns.b")),
        delivery_of(received("2"), target("hooks.ns.a")),
        delivery_of(Received(other_source, b""), target("hooks.ns.a")),
    ]

    assert len({request_of(each).headers["webhook-id"] for each in deliveries}) == 4


def test_a_target_that_is_changed_keeps_the_id() -> None:
    one, other = (delivery_of(received(), target(url=url, additional=url)) for url in ("http://a/", "http://b/"))

    assert one.id == other.id
