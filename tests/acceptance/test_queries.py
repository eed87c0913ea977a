"""Subjects and queries, as clients on the other side of HTTP see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from nats.aio.client import Client

from tests.acceptance.access import bearer, entry, write
from tests.app import App, running_app
from tests.consumers import passing
from tests.servers import NatsServer

POD = "ops.clusters.default.namespaces.x.pods.a.events"
NODE = "ops.clusters.default.nodes.n1.events"
HELLO = "ops.hello"

RIGHTS = (
    entry("all", admin=True),
    entry("nodes", read=["ops.clusters.*.nodes.>"]),
    entry("nothing", publish=["ops.>"]),
)


@pytest.fixture
async def app(provisioned: NatsServer, tmp_path: Path) -> AsyncIterator[App]:
    write(tmp_path / "access.yaml", *RIGHTS)
    environment = {"EVENT_ENDPOINT": provisioned.url, "ACCESS_FILE": str(tmp_path / "access.yaml"), "ROLES": "ingress"}
    async with running_app(tmp_path / "app", **environment) as app:
        yield app


class Asker:
    """Asks what the stream holds."""

    def __init__(self, app: App, http: aiohttp.ClientSession) -> None:
        self._url = f"{app.url}/api/v1/events"
        self._http = http

    async def get(self, path: str = "", by: str = "all", **parameters: Any) -> tuple[int, Any]:
        async with self._http.get(self._url + path, params=parameters, headers=bearer(by)) as response:
            answer = await response.json()
            return response.status, answer.get("data", answer["message"])

    async def sequences(self, path: str, **parameters: Any) -> list[int]:
        status, page = await self.get(path, **parameters)
        assert status == 200, page
        assert page["total"] == len(page["list"])
        return [item["sequence"] for item in page["list"]]


@pytest.fixture
def ask(app: App, http: aiohttp.ClientSession) -> Asker:
    return Asker(app, http)


async def publish(wire: Client, *subjects: str, payload: bytes = b"hello") -> None:
    for subject in subjects:
        await wire.jetstream().publish(subject, payload)


async def until_listed(ask: Asker, subjects: list[str], **parameters: Any) -> None:
    """A list is shown for a while, which here is short, whatever has arrived."""
    async with asyncio.timeout(2):
        while (await ask.get(**parameters))[1]["list"] != subjects:  # noqa: ASYNC110 -- only the app knows
            await asyncio.sleep(0.02)


async def test_subjects_are_listed_in_pages_and_found_by_a_text(ask: Asker, wire: Client) -> None:
    assert await ask.get() == (200, {"page_size": 10, "page": 1, "list": [], "total": 0, "complete": True})
    await publish(wire, POD, HELLO, NODE, POD)
    await until_listed(ask, [POD, NODE, HELLO])
    last = {"page_size": 2, "page": 2, "list": [HELLO], "total": 3, "complete": True}
    assert await ask.get(page=2, page_size=2) == (200, last)
    assert (await ask.get(search="PODS.A"))[1]["list"] == [POD]
    await publish(wire, "ops.later")
    await until_listed(ask, ["ops.later"], search="later")


async def test_a_token_sees_the_subjects_and_events_that_it_may_read(ask: Asker, wire: Client) -> None:
    await publish(wire, POD, NODE, HELLO)
    assert (await ask.get(by="nodes"))[1]["list"] == [NODE]
    assert (await ask.get(by="nothing"))[1]["total"] == 0
    assert (await ask.get("/ops.clusters.*.nodes.n1.events", by="nodes"))[1]["total"] == 1
    for token, path in (("nodes", "/ops.>"), ("nodes", f"/{HELLO}"), ("nothing", f"/{NODE}"), ("nodes", "/ops.*.*.>")):
        status, message = await ask.get(path, by=token)
        assert (status, f"the token {token} may not read" in message) == (403, True)


async def test_a_filter_may_be_encoded_or_not(app: App, wire: Client) -> None:
    await publish(wire, POD, NODE, POD)
    for path in ("/ops.clusters.*.namespaces.>", "/ops.clusters.%2A.namespaces.%3E", f"/{POD}"):
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        lines = (f"GET /api/v1/events{path} HTTP/1.1", "Host: localhost", "Authorization: Bearer all-token")
        writer.write("\r\n".join((*lines, "Connection: close\r\n\r\n")).encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200"), path
        assert b'"total":2' in answer, path


async def test_events_are_listed_newest_first_within_the_bounds_that_are_given(ask: Asker, wire: Client) -> None:
    await publish(wire, POD, HELLO, POD)
    await asyncio.sleep(0.01)
    middle = int(time.time() * 1000)
    await asyncio.sleep(0.01)
    await publish(wire, POD, POD)
    assert await ask.sequences("/ops.>") == [5, 4, 3, 2, 1]
    assert await ask.sequences("/ops.>", start_time=middle) == [5, 4]
    assert await ask.sequences("/ops.>", start_time=0, end_time=middle) == [3, 2, 1]
    assert await ask.sequences("/ops.>", first_sequence=2, last_sequence=4) == [4, 3, 2]
    assert await ask.sequences(f"/{POD}", max_length=2) == [5, 4]
    assert await ask.sequences("/ops.>", start_time=middle + 3_600_000) == []
    _, page = await ask.get(f"/{POD}", page=2, page_size=3)
    assert ([item["sequence"] for item in page["list"]], page["total"]) == ([1], 4)


async def test_what_is_no_cloudevent_is_shown_raw_and_others_to_the_byte(ask: Asker, wire: Client) -> None:
    event = b'{"specversion":"1.0","id":"1","source":"s","type":"T","data":{"n":12345678901234567890,"x":1e400}}'
    await publish(wire, HELLO, payload=event)
    await publish(wire, HELLO, payload=b"plain words")
    _, page = await ask.get(f"/{HELLO}")
    raw, kept = (item["event"] for item in page["list"])
    assert raw == {"raw": "plain words"}
    assert kept["data"]["n"] == 12345678901234567890
    assert await ask.sequences("/ops.>", type="T") == [1]
    assert await ask.sequences("/ops.>", search="WORDS") == [2]


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/ops.>.a", {}, "not the whole last token"),
    ("/ops..a", {}, "empty token"),
    ("/ops.a", {"start_time": "yesterday"}, "start_time is 'yesterday'"),
    ("/ops.a", {"start_time": 2, "end_time": 1}, "swap them"),
    ("/ops.a", {"max_length": 0}, "max_length is '0'"),
    ("/ops.a", {"page_size": 1001}, "page_size is '1001'"),
    ("/ops.a", {"search": "x" * 1025}, "use at most 1024"),
    ("", {"page": -1}, "page is '-1'"),
)


async def test_what_cannot_be_asked_is_told_how_to_mend(ask: Asker) -> None:
    for path, parameters, part in WRONG:
        status, message = await ask.get(path, **parameters)
        assert (status, part in message) == (400, True), message


async def test_queries_leave_no_consumer_behind_and_say_when_nats_is_away(
    ask: Asker, wire: Client, provisioned: NatsServer
) -> None:
    await publish(wire, *[POD, NODE] * 50)
    asked = [ask.get("/ops.>", search="hello"), ask.get("/ops.>", type="T"), ask.get("/ops.*.>"), ask.get()]
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}
    assert await passing(wire) == []
    await provisioned.kill()
    for path in ("", "/ops.>"):
        async with asyncio.timeout(20):
            status, message = await ask.get(path)
        assert (status, "JetStream" in message or "NATS" in message) == (503, True)
