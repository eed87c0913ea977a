"""What ours is compared with: the least that could do the job, and nothing of our code.

`uvicorn tests.bench.floors:ingress` stores what is posted; `python -m tests.bench.floors deliver URL CONSUMER` delivers
what is stored, and `… publish NATS` stores again what another NATS holds. They find theirs in `BENCH_NATS`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import aiohttp
import nats
import uvloop
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from tests.bench import events
from tests.bench.stored import stored

_BATCH: Final = 256
_IN_FLIGHT: Final = 64
_PUBLISHED_AT_ONCE: Final = 4000  # more than the default of nats-py, and faster

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Ingress:
    """A bare ASGI callable: reads the body, publishes it, waits for the PubAck, answers 200."""

    _stream: JetStreamContext

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = await _body(receive)
        headers = {"Nats-Msg-Id": str(uuid.uuid4())}
        ack = await self._stream.publish(events.subject_of(scope["path"]), body, headers=headers)
        answer = b'{"sequence":%d}' % ack.seq
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        client = await nats.connect(os.environ["BENCH_NATS"])
        self._stream = client.jetstream()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await client.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    return body


ingress = Ingress()


async def deliver(url: str, consumer: str) -> None:
    """A bare pull loop: fetch, POST with 64 in flight, ack."""
    client = await nats.connect(os.environ["BENCH_NATS"])
    subscription = await client.jetstream().pull_subscribe_bind(consumer, stream="ops")
    fetched: asyncio.Queue[Msg] = asyncio.Queue(_BATCH)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        workers = [asyncio.create_task(_post(session, url, fetched)) for _ in range(_IN_FLIGHT)]
        await asyncio.gather(_fetch(subscription, fetched), *workers)


async def _fetch(subscription: JetStreamContext.PullSubscription, fetched: asyncio.Queue[Msg]) -> None:
    while True:
        try:
            messages = await subscription.fetch(_BATCH, timeout=30)
        except TimeoutError:
            continue
        for message in messages:
            await fetched.put(message)


async def _post(session: aiohttp.ClientSession, url: str, fetched: asyncio.Queue[Msg]) -> None:
    headers = {"Content-Type": "application/json"}
    while True:
        message = await fetched.get()
        async with session.post(url, data=message.data, headers=headers) as response:
            response.raise_for_status()
            await response.read()
        await message.ack()


async def publish(source: str) -> None:
    """nats-py's own pipelining; prints the seconds from the first message to the last acknowledgement."""
    given = await nats.connect(source)
    messages = await stored(given)
    await given.close()
    client = await nats.connect(os.environ["BENCH_NATS"])
    stream = client.jetstream(publish_async_max_pending=_PUBLISHED_AT_ONCE)
    start = time.monotonic()
    for message in messages:
        await stream.publish_async(message.subject, message.data, headers=message.headers)
    await stream.publish_async_completed()
    print(time.monotonic() - start)
    await client.close()


_FLOORS: Final[dict[str, Callable[..., Coroutine[Any, Any, None]]]] = {"deliver": deliver, "publish": publish}

if __name__ == "__main__":
    uvloop.run(_FLOORS[sys.argv[1]](*sys.argv[2:]))
