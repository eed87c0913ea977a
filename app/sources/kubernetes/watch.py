"""Lists a resource of the Kubernetes API and watches it from there on, through everything that may happen to it.

`service.py` makes the watches, a follower (`change.py`) is told. What the API answers is read by `reading.py`, what it
refuses is judged by `faults.py`, how long is waited stands in `backoff.py`.

A watch goes in turns: list, where it is not known from which version on to watch; watch, until that ends; wait. As long
as all is well nothing is waited for, as a watch ends by itself every few minutes. A turn that failed goes on, after a
pause, from the last version that the follower has taken; only where the API does not have that version any more it
begins with a list.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from app.errors import UnavailableError
from app.sources.kubernetes.answers import Stream
from app.sources.kubernetes.backoff import ORDINARY, Draw
from app.sources.kubernetes.change import Change, Follower, Object
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.faults import ExpiredError, NotInstalledError, WatchError
from app.sources.kubernetes.health import Health, State
from app.sources.kubernetes.reading import Bookmark, Lines, is_identified, notice_in, pages, version_of, watching
from app.sources.kubernetes.resource import Resource

__all__ = ["Change", "Follower", "Object", "Pacing", "State", "Watch"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a watch spends its time, in seconds."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Callable[[], float] = time.time
    draw: Draw = random.uniform
    span: tuple[float, float] = (240.0, 300.0)  # that the API is asked to keep a watch open; not all end at once
    silence: float = 75.0  # after which a connection counts as dead: the API sends a bookmark each minute
    moment: float = 3.0  # after which a watch that says nothing counts as sound


class Watch:
    """Tells a follower of a resource: first what is there, then every change."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        resources: Sequence[Resource],
        follower: Follower,
        pacing: Pacing | None = None,
    ) -> None:
        """Make a watch; nothing is asked before `run`.

        Args:
            name: What it is called in the log and in `state`: a plural.
            connection: To the API.
            resources: Alternatives; the first that the API has is followed.
            follower: Is told.
            pacing: How time is spent.
        """
        self.synced = asyncio.Event()  # set for good once the first list is complete and the watch stands
        self._connection = connection
        self._resources = resources
        self._chosen = 0
        self._follower = follower
        self._pacing = pacing or Pacing()
        self._health = Health(name, self._pacing.clock)
        self._since: str | None = None  # the version to list at first; None: the follower is still to be asked
        self._version = ""  # what the follower has taken; empty: to be listed
        self._failures = 0  # in a row
        self._sound = False  # the present watch has shown that it works
        self._unidentified = 0  # objects that were left out

    @property
    def state(self) -> State:
        return self._health.state

    async def run(self) -> NoReturn:
        """List and watch until cancelled."""
        while True:
            await self._pacing.sleep(await self._turn())

    @property
    def _resource(self) -> Resource:
        return self._resources[self._chosen]

    async def _turn(self) -> float:
        """List where that is due, and watch; the seconds to wait before the next turn."""
        fresh = not self._version and self._since == ""
        self._sound = False
        try:
            if not self._version:
                await self._list()
            return await self._watch()
        except ExpiredError as error:
            self._version = self._since = ""
            return self._troubled(error) if fresh else 0.0  # of old versions that is to be expected
        except NotInstalledError:
            return self._try_next()
        except UnavailableError as error:
            return self._troubled(error)

    async def _list(self) -> None:
        if self._since is None:
            self._since = await self._follower.since()
        await self._follower.begin(known=bool(self._since))  # before it is asked for: see `Follower`
        version = ""
        async for page in pages(self._connection, self._resource, self._since):
            self._health.heard()
            version = version or page.version
            await self._follower.listed(self._identified(page.objects), version)
        await self._follower.synced(version)
        self._version = version

    async def _watch(self) -> float:
        """Watch until it ends by itself; the seconds to wait before the next one."""
        seconds = int(self._pacing.draw(*self._pacing.span))
        where = (self._connection, self._resource, self._version)
        async with watching(*where, seconds=seconds, silence=self._pacing.silence) as stream:
            begun = self._pacing.clock()
            self._health.heard()
            self._health.stands()
            self.synced.set()
            await self._follow(stream)
        return self._ended(self._pacing.clock() - begun)

    async def _follow(self, stream: Stream) -> None:
        lines = Lines()
        while chunk := await self._chunk(stream):
            self._health.heard()
            for line in filter(bytes.strip, lines.fed(chunk)):
                await self._tell(notice_in(line, self._resource, self._version))
                self._well()
            await asyncio.sleep(0)  # what has come already is read without a pause, and others want to go on too

    async def _chunk(self, stream: Stream) -> bytes:
        if self._sound:
            return await stream.chunk()
        try:
            async with asyncio.timeout(self._pacing.moment):
                return await stream.chunk()
        except TimeoutError:
            self._well()
            return await stream.chunk()

    async def _tell(self, notice: Change | Bookmark) -> None:
        match notice:
            case Bookmark(version):
                if version:
                    await self._follower.reached(version)
                    self._version = version
            case Change() if self._identified([notice.object]):
                await self._follower.changed(notice)
                self._version = version_of(notice.object)

    def _identified(self, objects: Sequence[Object]) -> Sequence[Object]:
        identified = [thing for thing in objects if is_identified(thing)]
        left_out = len(objects) - len(identified)
        if left_out and not self._unidentified:
            log.warning("%s without a uid or a resourceVersion are left out", self._resource)
        self._unidentified += left_out
        return identified

    def _well(self) -> None:
        if not self._sound:
            self._sound, self._failures = True, 0
            self._health.well()

    def _ended(self, lived: float) -> float:
        if lived >= self._pacing.moment:
            return 0.0
        if self._sound:
            return ORDINARY.seconds(1, self._pacing.draw)
        return self._troubled(WatchError(f"the Kubernetes API ends each watch of {self._resource} at once"))

    def _try_next(self) -> float:
        self._chosen = (self._chosen + 1) % len(self._resources)
        return 0.0 if self._chosen else self._troubled(NotInstalledError(*self._resources))

    def _troubled(self, error: UnavailableError) -> float:
        self._failures += 1
        self._health.troubled(str(error))
        schedule, after = (error.schedule, error.after) if isinstance(error, WatchError) else (ORDINARY, 0.0)
        return max(schedule.seconds(self._failures, self._pacing.draw), after)
