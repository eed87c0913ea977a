"""Requests that nobody should send, by the hundred, over raw sockets: none is a fault, none gets anything in."""

from __future__ import annotations

import asyncio
import random
import re

from nats.aio.client import Client

from tests.app import App

REQUESTS = 1500
AT_ONCE = 50

METHODS = (b"POST", b"POST", b"POST", b"GET", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE", b"NOSUCH")
PIECES = (
    *(b"a", b".", b"..", b"*", b">", b"ops.", b"nodes.", b"status", b"_", b"x" * 300, b"$JS.API.", b"%7Bx%7D"),
    *(b"%0d%0aPUB%20ops.injected%200%0d%0a", b"%00", b"%20", b"%2e", b"%2F", b"%25", b"%FF", b"%E2%80%A8", b"?", b";"),
)
BODIES = (
    *(b"", b"{}", b'{"a":1}', b"[]", b"null", b"1e400", b"\xff\xfe", b"{" * 5000, b'{"a":' * 3000, b'{"\\ud800":1}'),
    *(
        b'{"type":"a\\r\\nb"}',
        b'{"type":"\\u0000"}',
        b'{"metadata":null,"spec":[]}',
        b'{"metadata":{"name":{}},"spec":1}',
    ),
    b'{"metadata":{"name":"x"},"spec":{"type":"webhook","subject":"ops.>","url":"http://[::1"}}',
    b'{"metadata":{"name":"x"},"spec":{"type":"webhook","subject":"ops.\\r\\n>","url":"http://h:99999/"}}',
)
HEADERS = (
    b"Idempotency-Key: \x01\xff",
    b"Idempotency-Key:",
    b"Content-Encoding: gzip",
    b"Origin: http://[x",
    b"Host: [::1",
    b"Nats-Msg-Id: x",
)


def a_request(chance: random.Random) -> bytes:
    def pieces(most: int) -> bytes:
        return b"".join(chance.choices(PIECES, k=chance.randint(0, most)))

    namespaces = b"/api/v1/namespaces/" + pieces(2)
    below = (b"/events/" + pieces(5), b"/events/a" + pieces(3), b"/eventhooks", b"/eventhooks/" + pieces(3))
    path = chance.choice((*(namespaces + end for end in below), b"/docs/assets/" + pieces(3), b"/" + pieces(3)))
    body = chance.choice(BODIES)
    headers = (b"Host: 127.0.0.1", b"Content-Length: %d" % len(body), b"Connection: close")
    more = chance.sample(HEADERS, chance.choice((0, 0, 0, 1)))
    return b"%s %s HTTP/1.1\r\n%s\r\n\r\n%s" % (chance.choice(METHODS), path, b"\r\n".join((*headers, *more)), body)


async def status_of(app: App, request: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            return int((await reader.readline()).split(b" ")[1])
    finally:
        writer.close()


async def test_no_request_is_a_fault_and_none_gets_in_what_it_may_not(app: App, wire: Client) -> None:
    chance = random.Random(20261123)  # noqa: S311 -- the same requests in each run
    statuses: list[int] = []
    for _ in range(REQUESTS // AT_ONCE):
        requests = [a_request(chance) for _ in range(AT_ONCE)]
        statuses += await asyncio.gather(*(status_of(app, request) for request in requests))
    assert max(statuses) < 500
    assert {200, 400, 403, 404, 405, 415, 422} <= set(statuses)
    stored = await wire.jetstream().stream_info("ops", subjects_filter=">")
    subjects = stored.state.subjects or {}
    assert subjects
    assert not [one for one in subjects if "injected" in one or re.search(r"[\s*>\x00]", one)]
    await app.wait_until_ready()
    assert "Traceback" not in app.log
