"""Which targets are owed something, and the drain of each. The stream itself tells: no process has to remember.

Where the role `delivery` is another process's, this one has an `onlooker.py` instead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Final, NoReturn

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import APIError

from app.delivery.backlog.drain import Drain
from app.delivery.backlog.queues import Queue
from app.delivery.backlog.repay import Desk
from app.jetstream.ending import end
from streams import consumers
from streams.subjects import OPS, PARKED, PARKED_SUBJECT

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 2.0  # seconds between two looks at what is parked
SELDOM: Final = 30.0  # seconds between two looks at the consumers of hooks that were ordered

Queues = Callable[[str], Queue]


async def owed_to(client: Client) -> set[str]:
    """The targets for which events are parked; a few of them may have been settled already."""
    state = (await client.jetstream().stream_info(PARKED, subjects_filter=PARKED_SUBJECT)).state
    return {subject.removeprefix(f"{PARKED}.") for subject in state.subjects or {}}


async def _consumers(client: Client) -> AsyncIterator[ConsumerInfo]:
    """Every consumer on `ops`; the server tells of a few hundred at a time."""
    offset = 0
    while page := await client.jetstream().consumers_info(OPS, offset):
        for info in page:
            yield info
        offset += len(page)


def _target_of(consumer: ConsumerInfo) -> str | None:
    """Whose it is, where it is an ordered hook's."""
    return (consumer.config.metadata or {}).get(consumers.TARGET)


class Drains:
    """The drains of this process: one for each target with parked events, one for each ordered hook."""

    def __init__(self, desk: Desk, queues: Mapping[str, Queues], ordered: Callable[[], Collection[str]]) -> None:
        """Make none yet.

        Args:
            desk: Whom they work with.
            queues: By stream: what makes the queue of a target there, by the target's key.
            ordered: The targets of all ordered hooks.
        """
        self._desk = desk
        self._queues = queues
        self._ordered = ordered
        self._client: Client | None = None
        self._look_again = 0.0
        self._drains: dict[tuple[str, str], Drain] = {}  # by stream and target
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def wake(self, target: str) -> None:
        """A target is owed something."""
        self._ensure(PARKED, target)

    def changed(self, target: str) -> None:
        """Something about a target has changed; if it is owed anything, its drains look up."""
        if target in self._ordered():
            self._ensure(OPS, target)
        for stream in (PARKED, OPS):
            if (drain := self._drains.get((stream, target))) is not None:
                drain.wake()

    def changed_all(self, targets: Iterable[str]) -> None:
        for target in targets:
            self.changed(target)

    async def run(self, client: Client) -> NoReturn:
        """Look for what is owed, now and again. Runs until it is cancelled; before, nothing is drained."""
        self._client = client
        while True:
            try:
                await self._look()
            except (NatsError, APIError, TimeoutError) as error:
                log.debug("what is parked cannot be seen now (%s)", type(error).__name__)
            await asyncio.sleep(LOOK_EVERY)

    async def stop(self) -> None:
        """Leave everything as it is, and begin nothing more; what was begun is given back by the settlement."""
        self._client = None
        await end(self._tasks.values())

    async def _look(self) -> None:
        if self._client is None or not self._client.is_connected:
            return  # nats-py would keep each question, and ask them all at its return
        for target in await owed_to(self._client):
            self._ensure(PARKED, target)
        for target in {*self._ordered(), *await self._were_ordered()}:
            self._ensure(OPS, target)

    async def _were_ordered(self) -> set[str]:
        """Targets that have a consumer from when their hooks were ordered: what it is owed is theirs still."""
        if self._client is None or time.monotonic() < self._look_again:
            return set()
        self._look_again = time.monotonic() + SELDOM
        return {target async for info in _consumers(self._client) if (target := _target_of(info))}

    def _ensure(self, stream: str, target: str) -> None:
        """Make sure that a target's queue on a stream is drained."""
        name = (stream, target)
        if name in self._drains or self._client is None:
            return
        drain = self._drains[name] = Drain(target, self._queues[stream](target), self._desk, self._client)
        self._listen(target)
        task = self._tasks[name] = asyncio.create_task(drain.run(), name=f"draining {target}")
        task.add_done_callback(lambda _: self._forget(name))

    def _listen(self, target: str) -> None:
        """Have the target's drains look up when its lane has changed."""
        self._desk.lanes[target].changed = partial(self.changed, target)

    def _forget(self, name: tuple[str, str]) -> None:
        self._drains.pop(name, None)
        self._tasks.pop(name, None)
