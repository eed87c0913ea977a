"""What a watch publishes, and what it need not: pipelined, never twice, and never lost.

`event_follower.py` and `status_follower.py` publish through a journal each; `service.py` makes them and runs `keep`.
Why a checkpoint by resourceVersion, and what is asked of the stream: `docs/decisions/0014-…`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from app.errors import TooLargeError, UnavailableError
from app.jetstream.read import StreamReader
from app.sources.kubernetes import recall
from app.sources.kubernetes.checkpoint import NOTHING, Checkpoint, Checkpoints, Found
from app.sources.kubernetes.pipeline import Begin, Pipeline

log = logging.getLogger(__name__)

Publish = Callable[[], Awaitable[object]]

_KEEP_EVERY: Final = 2.0  # seconds between two looks at the bucket
_STALE: Final = 5.0  # seconds after which what was seen there is looked at anew before it is relied on
_DEDUP: Final = 90.0  # seconds in which the stream itself drops what comes twice; it does so for 120
_BEFORE: Final = 60.0  # seconds that changes behind a checkpoint may have been stored before it was written
_PAUSE: Final = 1.0  # seconds before a change is published again that JetStream did not take
_TELL_EVERY: Final = 60.0  # seconds between two lines in the log about the same absence


class Journal:
    """The publications of one watch, and how far all replicas together are with them."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        key: str,
        reader: StreamReader,
        filters: Sequence[str],
        fail: Callable[[BaseException], None],
    ) -> None:
        """Make the journal under a key of the bucket.

        Args:
            checkpoints: The bucket.
            key: Names the cluster and the resource there.
            reader: Looks into the stream.
            filters: Over the subjects that this watch publishes to.
            fail: Told of a fault of ours, which waiting does not mend.
        """
        self._checkpoints = checkpoints
        self._key = key
        self._reader = reader
        self._filters = filters
        self._pipeline = Pipeline(fail)
        self._found: Found | None = None
        self._looked = float("-inf")  # monotonic
        self._foreign = ""  # version of a checkpoint that is not of the API's present history
        self._ids: set[str] = set()  # published behind the checkpoint, by a process that has ended since
        self._told = float("-inf")

    async def open(self) -> Checkpoint:
        """The checkpoint, and whatever was published behind it; `NOTHING` where nobody has published yet.

        Raises:
            UnavailableError: JetStream is away.
        """
        await self.look_now()
        self._pipeline.progress = Checkpoint("", self._kept.observed)
        if self._found is not None and time.time() - self._found.written > _DEDUP:
            self._ids = await recall.published(self._reader, self._filters, self._found.written - _BEFORE)
        return self.checkpoint

    @property
    def checkpoint(self) -> Checkpoint:
        """How far this process and, as last seen, all others are."""
        kept, own = self._kept, self._pipeline.progress
        return own if own.version and not kept.covers(own.version) else kept

    async def look(self) -> Checkpoint:
        """The same, as the bucket says now or said a moment ago; while JetStream is away, as it said last."""
        if time.monotonic() - self._looked > _STALE:
            with suppress(UnavailableError):
                await self.look_now()
        return self.checkpoint

    async def look_now(self) -> None:
        """Ask the bucket.

        Raises:
            UnavailableError: JetStream is away.
        """
        self._found = await self._checkpoints.read(self._key)
        self._looked = time.monotonic()

    def restart_if_behind(self, version: str, checkpoint: Checkpoint) -> None:
        """Compare the version of a list with the checkpoint of before it: history that runs backwards is another one.

        So it is with an API server that was restored from a backup, or is another cluster's under the same name.
        """
        if checkpoint.covers(version) and not Checkpoint(version).covers(checkpoint.version):
            self._foreign = checkpoint.version
            self._pipeline.progress = Checkpoint("", checkpoint.observed)

    def holds(self, event_id: str) -> bool:
        """Whether an event is known to be on the stream already."""
        return event_id in self._ids

    async def publish(self, key: str, reaches: Checkpoint, publish: Publish, begin: Begin | None = None) -> None:
        """Publish a change of an object, however long that takes; waits while too much is on its way."""
        await self._pipeline.put(key, reaches, lambda: self._insist(publish), begin)

    def reached(self, version: str, observed: float = 0.0) -> None:
        """Up to a version there is nothing to publish but what was handed to `publish`."""
        self._pipeline.reached(version, observed)

    async def keep(self) -> NoReturn:
        """Write the checkpoint whenever it has moved. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(_KEEP_EVERY)
            await self._keep_once()

    async def close(self, seconds: float) -> None:
        """Give what is on its way so much time, and say how far that came."""
        await self._pipeline.finish(seconds)
        await self._keep_once()

    @property
    def _kept(self) -> Checkpoint:
        if self._found is None:
            return NOTHING
        kept = self._found.checkpoint
        return Checkpoint("", kept.observed) if kept.version == self._foreign else kept

    async def _keep_once(self) -> None:
        try:
            await self.look_now()
            own = self._pipeline.progress
            if own.version and not self._kept.covers(own.version):
                await self._checkpoints.write(self._key, own, self._found)
        except UnavailableError as error:
            self._tell(error)

    async def _insist(self, publish: Publish) -> None:
        while not await self._tried(publish):  # noqa: ASYNC110 -- JetStream gives no event when it is back
            await asyncio.sleep(_PAUSE)

    async def _tried(self, publish: Publish) -> bool:
        """Whether there is nothing left to do for a change."""
        try:
            await publish()
        except UnavailableError as error:
            self._tell(error)
            return False
        except TooLargeError as error:
            log.error("a change of %s cannot be published: %s", self._key, error)  # noqa: TRY400 -- no fault of ours
        return True

    def _tell(self, error: UnavailableError) -> None:
        if time.monotonic() - self._told > _TELL_EVERY:
            self._told = time.monotonic()
            log.warning("changes of %s wait to be published: %s", self._key, error)
