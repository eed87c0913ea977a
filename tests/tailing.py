"""Server-sent events, read as a client reads them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import aiohttp

SECONDS = 20.0  # that something is waited for before a test fails


@dataclass(frozen=True)
class Said:
    """One block of a stream."""

    id: int | None = None
    event: str = "message"
    data: Any = None
    comment: str = ""
    retry: int | None = None

    @property
    def is_event(self) -> bool:
        """Whether it is an event of the stream, and not something about the tail."""
        return self.event == "message" and self.data is not None


def parse(block: bytes) -> Said:
    fields: dict[str, Any] = {}
    for line in block.decode().splitlines():
        name, _, value = line.partition(": ") if not line.startswith(":") else ("comment", "", line[2:])
        assert name not in fields, block
        fields[name] = json.loads(value) if name in {"id", "data", "retry"} else value
    return Said(**fields)


class Follower:
    """A client of one tail; it remembers the last id, as browsers do."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last_id: int | None = None
        self._received = b""

    async def next(self) -> Said | None:
        """What the server says next; None once it has ended the stream."""
        async with asyncio.timeout(SECONDS):
            while b"\n\n" not in self._received:
                chunk = await self.response.content.readany()
                if not chunk:
                    assert not self._received
                    return None
                self._received += chunk
        block, _, self._received = self._received.partition(b"\n\n")
        said = parse(block)
        self.last_id = self.last_id if said.id is None else said.id
        return said

    async def events(self, number: int) -> list[Any]:
        """The items of the next events, whatever else is said between them."""
        found: list[Any] = []
        while len(found) < number:
            said = await self.next()
            assert said is not None, f"the stream ended after {len(found)} events of {number}"
            if said.is_event:
                found.append(said.data)
        return found

    async def events_until(self, subject: str) -> list[Any]:
        """The items of the events before the one of a subject."""
        found: list[Any] = []
        while (item := (await self.events(1))[0])["subject"] != subject:
            found.append(item)
        return found

    async def rest(self) -> list[Said]:
        """All that is said until the end."""
        found: list[Said] = []
        while (said := await self.next()) is not None:
            found.append(said)
        return found


@contextlib.asynccontextmanager
async def following(
    http: aiohttp.ClientSession,
    url: str,
    pattern: str,
    last_id: int | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    **query: str,
) -> AsyncIterator[Follower]:
    """A tail that has begun."""
    headers = headers if last_id is None else {**headers, "Last-Event-ID": str(last_id)}
    timeout = aiohttp.ClientTimeout(total=None)
    where = f"{url}/api/v1/events/{pattern}/tail"
    async with http.get(where, params=query, headers=headers, timeout=timeout) as response:
        assert response.status == 200, await response.text()
        follower = Follower(response)
        said = await follower.next()
        assert said is not None
        assert said.retry
        yield follower


def sequences(items: Iterable[Any]) -> list[int]:
    return [item["sequence"] for item in items]
