"""Posting events, as the contract's section 5 has it; what lands is read with a plain NATS client."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from typing import Any

import aiohttp
from nats.aio.client import Client
from yarl import URL

from tests.app import App

API = "/api/v1/namespaces"


async def post(
    http: aiohttp.ClientSession,
    app: App,
    path: str,
    body: bytes = b'{"message":"hello"}',
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    url = URL(f"{app.url}{API}/{path}", encoded=True)
    async with http.post(url, data=io.BytesIO(body), headers=headers) as response:
        return response.status, await response.json()


async def last(wire: Client) -> Any:
    stream = wire.jetstream()
    return await stream.get_msg("ops", seq=(await stream.stream_info("ops")).state.last_seq)


PATH_FORMS = {
    "default/events/my-event": "ops.clusters.default.namespaces.default.my-event",
    "ops-system/events/hosts.h1.status": "ops.clusters.default.namespaces.ops-system.hosts.h1.status",
    "default/events/ops.Any.Case.x": "ops.Any.Case.x",
    "default/events/nodes.node-1.events": "ops.clusters.default.nodes.node-1.events",
    "default/events/nodes.ip-10-0-0-1.ec2.internal.findings": (
        "ops.clusters.default.nodes.ip-10-0-0-1_ec2_internal.findings"
    ),
}


async def test_each_path_form_lands_on_its_subject(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    for number, (path, subject) in enumerate(PATH_FORMS.items(), 1):
        status, answer = await post(http, app, path)
        message = await last(wire)
        event = json.loads(message.data)
        assert (status, answer["code"], answer["message"]) == (200, 0, "success")
        assert answer["data"] == {
            "id": event["id"],
            "subject": subject,
            "stream": "ops",
            "sequence": number,
            "duplicate": False,
        }
        assert message.subject == subject
        assert message.headers is not None
        assert message.headers["Nats-Msg-Id"] == event["id"]
        assert message.headers["Content-Type"] == "application/cloudevents+json"
        assert uuid.UUID(event["id"]).version == 4
        assert dt.datetime.fromisoformat(event["time"]).utcoffset() == dt.timedelta(0)
        assert event | {"id": "", "time": ""} == {
            "specversion": "1.0",
            "id": "",
            "source": "https://github.com/shaowenchen/ops",
            "type": "Default",
            "subject": subject,
            "time": "",
            "datacontenttype": "application/json",
            "cluster": "default",
            "data": {"message": "hello"},
        }


async def test_the_data_is_kept_to_the_byte(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    body = '{"z":12345678901234567890123,"a":1.10,"m":1E400,"é":"\\u00e9 <&>", "n":[1, null]}'.encode()
    status, _ = await post(http, app, "default/events/exact", body)
    assert status == 200
    assert (await last(wire)).data.endswith(b',"data":' + body + b"}")


async def test_the_data_names_the_type(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    await post(http, app, "default/events/typed", b'{"type":"Webhook","content":"disk full"}')
    assert json.loads((await last(wire)).data)["type"] == "Webhook"
    await post(http, app, "default/events/typed", b'{"type":7}')
    assert json.loads((await last(wire)).data)["type"] == "Default"


async def test_an_idempotency_key_makes_a_retry_harmless(app: App, http: aiohttp.ClientSession, wire: Client) -> None:
    key = {"Idempotency-Key": "deploy-42"}
    _, first = await post(http, app, "default/events/deployed", headers=key)
    _, again = await post(http, app, "default/events/deployed", headers=key)
    _, elsewhere = await post(http, app, "default/events/other", headers=key)
    assert uuid.UUID(first["data"]["id"]).version == 5
    assert again["data"] == first["data"] | {"duplicate": True}
    assert elsewhere["data"]["duplicate"] is False
    assert (await wire.jetstream().stream_info("ops")).state.messages == 2


BAD_INPUT = [
    ("default/events/x", b"hello", 400, "not JSON"),
    ("default/events/x", b'{"a":NaN}', 400, "not JSON"),
    ("default/events/x", b'{"a":1}{', 400, "not JSON"),
    ("default/events/x", b'\xff{"a":1}', 400, "not JSON"),
    ("default/events/x", b"", 400, "not JSON"),
    ("default/events/x", b"[1]", 400, "array"),
    ("default/events/x", b"null", 400, "null"),
    ("default/events/x", b'"text"', 400, "string"),
    ("default/events/a..b", b"{}", 400, "empty token"),
    ("default/events/.a", b"{}", 400, "empty token"),
    ("default/events/a.*", b"{}", 400, "wildcard"),
    ("default/events/ops.%3E", b"{}", 400, "wildcard"),
    ("default/events/a%20b", b"{}", 400, "white space"),
    ("default/events/ops.a%0D%0APUB%20x%200", b"{}", 400, "white space"),
    ("default/events/a%00b", b"{}", 400, "control"),
    ("default/events/a%FFb", b"{}", 400, "UTF-8"),
    ("default/events/" + "a" * 1100, b"{}", 400, "1024"),
    ("default/events/nodes.n1", b"{}", 400, "observation"),
    ("a%20b/events/x", b"{}", 400, "namespace"),
    ("a%2A/events/x", b"{}", 400, "namespace"),
    ("default/events/x", b'{"a":"' + b"x" * 1_048_576 + b'"}', 413, "larger"),
    ("default/nothing/x", b"{}", 404, "/docs"),
    ("default/eventhooks/", b"{}", 404, "/docs"),
]


async def test_bad_input_is_told_what_is_wrong_and_stores_nothing(
    app: App, http: aiohttp.ClientSession, wire: Client
) -> None:
    for path, body, expected, says in BAD_INPUT:
        status, answer = await post(http, app, path, body)
        assert (status, answer["code"]) == (expected, -1), (path, answer)
        assert says in answer["message"], (path, answer)
    assert (await wire.jetstream().stream_info("ops")).state.messages == 0


async def test_a_body_just_below_the_bound_is_taken_or_told_that_the_server_cannot(
    app: App, http: aiohttp.ClientSession
) -> None:
    fits = b'{"a":"' + b"x" * (1_000_000) + b'"}'
    assert (await post(http, app, "default/events/large", fits))[0] == 200
    # 1 MiB with its envelope is more than this server's max_payload.
    status, answer = await post(http, app, "default/events/large", b'{"a":"' + b"x" * (1_048_576 - 8) + b'"}')
    assert status == 413
    assert "1048576" in answer["message"]


async def test_a_body_of_unknown_length_is_bounded_too(app: App, http: aiohttp.ClientSession) -> None:
    async def endless() -> Any:
        for _ in range(64):
            yield b" " * 65_536

    async with http.post(f"{app.url}{API}/default/events/x", data=endless()) as response:
        assert response.status == 413


async def test_a_wrong_method_is_told_the_right_ones(app: App, http: aiohttp.ClientSession) -> None:
    async with http.delete(f"{app.url}{API}/default/events/x") as response:
        assert (response.status, response.headers["Allow"], (await response.json())["code"]) == (405, "POST", -1)


async def test_a_compressed_body_is_refused(app: App, http: aiohttp.ClientSession) -> None:
    status, answer = await post(http, app, "default/events/x", b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert (status, answer["code"]) == (415, -1)


async def test_an_unusable_idempotency_key_is_refused(app: App, http: aiohttp.ClientSession) -> None:
    for key in ("", "k" * 256):
        status, answer = await post(http, app, "default/events/x", headers={"Idempotency-Key": key})
        assert status == 400
        assert "Idempotency-Key" in answer["message"]
