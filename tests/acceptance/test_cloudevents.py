"""CloudEvents over HTTP through the front door; what lands is read with a plain NATS client."""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from nats.aio.client import Client

from tests.acceptance.test_posting import last
from tests.app import App

SUBJECT = "ops.clusters.default.namespaces.x.y"
BATCH = "application/cloudevents-batch+json"


def event(number: int, **changes: Any) -> dict[str, Any]:
    made = {"specversion": "1.0", "id": f"e{number}", "source": "/s", "type": "T", "subject": SUBJECT}
    return made | {"comexampleextension1": "value", "data": {"number": number}} | changes


async def post(
    http: aiohttp.ClientSession, app: App, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    async with http.post(f"{app.url}/api/v1/events", data=io.BytesIO(body), headers=headers) as response:
        return response.status, await response.json()


async def test_what_the_sdk_sends_is_stored_as_the_same_event(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    for number, send in enumerate((sdk_http.to_structured_event, sdk_http.to_binary_event), 1):
        attributes = {"id": f"e {number}", "source": "/s", "type": "T", "subject": SUBJECT, "traceparent": "00-ab"}
        sent = SdkEvent(attributes | {"datacontenttype": "application/json"}, {"message": "Euro €"})
        message = send(sent)
        status, answer = await post(http, app, message.body, message.headers)
        assert status == 200, answer
        assert answer["data"] == {
            "id": f"e {number}",
            "subject": SUBJECT,
            "stream": "ops",
            "sequence": number,
            "duplicate": False,
        }
        stored = await last(wire)
        assert stored.subject == SUBJECT
        assert stored.headers == {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": f"e {number}"}
        read = sdk_http.from_http_event(sdk_http.HTTPMessage(stored.headers, stored.data))
        assert (read.get_attributes(), read.get_data()) == (sent.get_attributes(), sent.get_data())


async def test_a_batch_is_answered_for_each_event_and_may_be_sent_again(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    body = json.dumps([event(number) for number in range(500)]).encode()
    for duplicate in (False, True):
        status, answer = await post(http, app, body, {"Content-Type": BATCH})
        assert status == 200
        assert answer["data"] == [
            {"id": f"e{n}", "subject": SUBJECT, "stream": "ops", "sequence": n + 1, "duplicate": duplicate}
            for n in range(500)
        ]
    stream = wire.jetstream()
    assert (await stream.stream_info("ops")).state.messages == 500
    assert json.loads((await stream.get_msg("ops", 500)).data or b"") == event(499)


async def test_what_is_wrong_is_told_and_stores_nothing(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    one, binary = {"Content-Type": "application/cloudevents+json"}, {"ce-specversion": "1.0", "ce-id": "1"}
    subject = {"ce-source": "/s", "ce-type": "T", "ce-subject": "ops.a%0D%0APUB%20x%200%0D%0A"}
    wrong: list[tuple[bytes, dict[str, str], int, str]] = [
        (json.dumps(event(1, id="a\r\nNats-Msg-Id: b")).encode(), one, 400, "id"),
        (json.dumps(event(1, subject="ops.a\r\nPUB x 0")).encode(), one, 400, "control"),
        (json.dumps(event(1, subject="$SYS.REQ")).encode(), one, 400, "ops."),
        (json.dumps([event(1)]).encode(), one, 400, "not a JSON object"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, one, 400, "64 levels"),
        (json.dumps([event(1), event(2, source=None)]).encode(), {"Content-Type": BATCH}, 400, "source is missing"),
        (b"[" + b" " * 1_048_576 + b"]", {"Content-Type": BATCH}, 413, "1048576"),
        (b"{}", binary, 400, "source is missing"),
        (b"{}", binary | subject, 400, "control"),
        (b"{}", binary | subject | {"ce-id": "%00", "ce-subject": SUBJECT}, 400, "id"),
        (b"{}", {"Content-Type": "application/json"}, 415, BATCH),
    ]
    for body, headers, expected, says in wrong:
        status, answer = await post(http, app, body, headers)
        assert (status, answer["code"]) == (expected, -1), (body[:80], headers, answer)
        assert says in answer["message"], answer
    assert (await wire.jetstream().stream_info("ops")).state.messages == 0


async def test_without_nats_a_batch_is_not_stored_and_says_so(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    await wire.jetstream().delete_stream("ops")
    async with http.post(f"{app.url}/api/v1/events", json=[event(1)], headers={"Content-Type": BATCH}) as response:
        answer = await response.json()
        assert (response.status, response.headers["Retry-After"], answer["code"]) == (503, "1", -1)
    assert [(one["id"], one["sequence"]) for one in answer["data"]] == [("e1", None)]
