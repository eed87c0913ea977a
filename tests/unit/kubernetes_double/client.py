"""A client of the API that takes nothing for granted: what came is what a test looks at."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.kubernetes import Kind

WITHIN = 10.0  # seconds for whatever is to come


@dataclass
class Stream:
    """An open watch."""

    response: aiohttp.ClientResponse

    async def raw(self) -> bytes:
        async with asyncio.timeout(WITHIN):
            return await self.response.content.readline()

    async def line(self) -> Any:
        return json.loads(await self.raw())

    async def piece(self) -> bytes:
        """What has come so far, a whole line or not."""
        async with asyncio.timeout(WITHIN):
            return await self.response.content.readany()

    async def told(self) -> str:
        told = await self.line()
        return f"{told['type']} {told['object']['metadata']['name']}"

    async def rest(self) -> bytes:
        async with asyncio.timeout(WITHIN):
            return await self.response.read()

    def close(self) -> None:
        self.response.close()


class Client:
    """What speaks to the API. Its watches end with it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self._streams: list[Stream] = []

    async def get(self, path: str, expected: int = 200, **query: object) -> Any:
        return await self._json("GET", path, expected, params={name: str(value) for name, value in query.items()})

    async def page(self, path: str, token: str, expected: int = 200, **query: object) -> Any:
        """A further page of a list."""
        params = {"continue": token, **{name: str(value) for name, value in query.items()}}
        return await self._json("GET", path, expected, params=params)

    async def send(self, method: str, path: str, body: Any, expected: int = 200) -> Any:
        return await self._json(method, path, expected, json=body)

    async def patch(self, path: str, body: Any, expected: int = 200) -> Any:
        headers = {"Content-Type": "application/merge-patch+json"}
        return await self._json("PATCH", path, expected, data=json.dumps(body), headers=headers)

    async def watch(self, kind: Kind, **query: object) -> Stream:
        params = {"watch": "true", **{name: str(value) for name, value in query.items()}}
        stream = Stream(await self.session.get(kind.path(), params=params))
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        for stream in self._streams:
            stream.close()

    async def _json(self, method: str, path: str, expected: int, **options: Any) -> Any:
        async with self.session.request(method, path, **options) as response:
            assert response.status == expected, await response.text()
            return await response.json()


def names(listed: Any) -> list[str]:
    return [item["metadata"]["name"] for item in listed["items"]]
