"""A keep-alive HTTP/1.1 connection that does as little as a client can: it reads the status and skips the body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from tests.bench import events

HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\ncontent-length: "


class Connection(asyncio.Protocol):
    """Sends a request at a time; `answered` is told its status, or 0 where the connection ended instead."""

    def __init__(self, answered: Callable[[Connection, int], None]) -> None:
        self.answered = answered
        self._transport: Any = None
        self._received = b""
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: bytes) -> None:
        self._waiting = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if whole(self._received) is None:
            return
        status = int(self._received[9:12])
        self._received, self._waiting = b"", False
        self.answered(self, status)

    def connection_lost(self, _: Exception | None) -> None:
        if self._waiting:
            self.answered(self, 0)


def whole(received: bytes) -> int | None:
    """The length of the message that `received` begins with, once all of it is there."""
    end = received.find(HEAD_END)
    if end < 0:
        return None
    head = received[:end].lower()
    start = head.find(_LENGTH)
    length = int(head[start + len(_LENGTH) :].split(b"\r", 1)[0]) if start >= 0 else 0
    total = end + len(HEAD_END) + length
    return total if len(received) >= total else None


def request(number: int, sent: int = 0) -> bytes:
    """A post of one event."""
    return _post(events.path_of(number), "application/json", events.body(number, sent))


def batch(run: str, first: int) -> bytes:
    """A post of a batch of CloudEvents with the same data."""
    return _post("/api/v1/events", "application/cloudevents-batch+json", events.batch(run, first))


def _post(path: str, media: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media}\r\nContent-Length: {len(body)}"
    return head.encode() + HEAD_END + body


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections to a port of this machine."""
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(lambda *_: None), "127.0.0.1", port) for _ in range(count)
    ]
    return [connection for _, connection in opened]
