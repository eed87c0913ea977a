"""What stands before replicas, as a Service of Kubernetes does: requests go to those that it knows to be ready."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from tests.app import App

PATH = "/api/v1/namespaces/default/events/numbered"
_PROBE_EVERY = 0.2  # seconds
_LATE = 0.5  # seconds until those who send requests know that a replica is ending


@dataclass
class Tally:
    """What became of the requests, by what the client saw."""

    acknowledged: dict[str, int] = field(default_factory=dict)  # event ids, and the number of each
    busy: int = 0  # 503 with Retry-After: the client tries again with the same key
    refused: list[str] = field(default_factory=list)  # anything else


@dataclass
class Balancer:
    """Sends each request to the next of the replicas that are ready, over connections that stay open."""

    replicas: Sequence[App]
    http: aiohttp.ClientSession
    tally: Tally = field(default_factory=Tally)
    _known: list[App] = field(default_factory=list)
    _leaving: list[App] = field(default_factory=list)
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    async def roll(self) -> None:
        """Replace each replica by a new one, one after the other, as a rolling update does."""
        for app in self.replicas:
            leaving = asyncio.create_task(app.stop())
            self._leaving.append(app)
            await asyncio.sleep(_LATE)
            self._known.remove(app)
            await leaving
            await app.start()
            self._leaving.remove(app)
            await self._until_known(app)

    async def post_all(self, count: int, rate: float, connections: int = 48) -> Tally:
        """Post numbered events at a rate, each until it is acknowledged."""
        begin, numbers = time.monotonic(), iter(range(count))

        async def worker() -> None:
            for number in numbers:
                await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
                while not await self._post(number):  # noqa: ASYNC110 -- only it knows
                    await asyncio.sleep(0.2)

        await asyncio.gather(*(worker() for _ in range(connections)))
        return self.tally

    async def _post(self, number: int) -> bool:
        app = self._known[next(self._turn) % len(self._known)]
        try:
            async with self.http.post(
                app.url + PATH, json={"n": number}, headers={"Idempotency-Key": str(number)}
            ) as response:
                return self._judge(response, await response.json(), number)
        except aiohttp.ClientError as error:
            self.tally.refused.append(f"{app.port}: {error!r}")
            return False

    def _judge(self, response: aiohttp.ClientResponse, answer: dict[str, dict[str, str]], number: int) -> bool:
        if response.status == 200:
            self.tally.acknowledged[answer["data"]["id"]] = number
        elif response.status == 503 and "Retry-After" in response.headers:
            self.tally.busy += 1
        else:
            self.tally.refused.append(f"{response.status}: {answer}")
        return response.status == 200

    async def probe(self) -> None:
        """Learn who is ready. Who is not any more stays known: only a replica that is ending is taken out."""
        while True:
            for app in self.replicas:
                if app not in self._known and app not in self._leaving and await self._is_ready(app):
                    self._known.append(app)
            await asyncio.sleep(_PROBE_EVERY)

    async def _is_ready(self, app: App) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with self.http.get(f"{app.url}/readyz") as response:
                return response.status == 200
        return False

    async def _until_known(self, *apps: App) -> None:
        while not all(app in self._known for app in apps):  # noqa: ASYNC110 -- the probe finds out
            await asyncio.sleep(_PROBE_EVERY)

    async def until_all_are_known(self) -> None:
        await self._until_known(*self.replicas)


@contextlib.asynccontextmanager
async def balancer(*replicas: App) -> AsyncIterator[Balancer]:
    """A balancer that knows all the replicas."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        found = Balancer(replicas, http)
        probing = asyncio.create_task(found.probe())
        await found.until_all_are_known()
        try:
            yield found
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
