"""Who works on a replay: one process at a time, and another where that one is gone. `copying.py` is the work.

Every process that delivers runs a `Replayer`. It takes up a replay by writing its name into the record, which only one
can do at a revision, and writes down how far it is every few seconds. A record that has not changed for longer has lost
its process: somebody else takes it over. No clocks are compared: each process watches the revisions by its own.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, NoReturn

from app.errors import ConflictError, OpsError, UnavailableError
from app.hooks.replays.copying import Copying, Desk, HookGoneError
from app.hooks.replays.replay import Record, Replay, State
from app.hooks.replays.replays import Replays
from app.jetstream.ending import end
from app.jetstream.mirror import Entry

log = logging.getLogger(__name__)

RENEW: Final = 5.0  # seconds between two writings of progress
STALE: Final = 20.0  # seconds without one after which a replay is taken over
_LOOK: Final = 0.5  # seconds between two looks for replays that nobody works on
_PAUSE: Final = 1.0  # seconds before the end is written down again where JetStream is away
_AT_ONCE: Final = 8  # replays that one process works on


class Replayer:
    """Takes up the replays that nobody works on."""

    def __init__(self, replays: Replays, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._replays = replays
        self._desk = desk
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._seen: dict[str, tuple[int, float]] = {}  # the revision of each record, and since when it is that

    async def run(self) -> NoReturn:
        """Work until it is cancelled; then others go on at once."""
        try:
            while True:
                self._take_up()
                await asyncio.sleep(_LOOK)
        finally:
            await end(self._tasks.values())

    def _take_up(self) -> None:
        unfinished = self._replays.unfinished()
        self._look(unfinished)
        for key, entry in unfinished.items():
            if len(self._tasks) < _AT_ONCE and key not in self._tasks and self._is_free(key, entry):
                turn = Turn(self._name, entry, self._replays, self._desk)
                task = self._tasks[key] = asyncio.create_task(turn.run(), name=f"replaying {key}")
                task.add_done_callback(partial(self._forget, key))

    def _forget(self, key: str, _: asyncio.Task[None]) -> None:
        del self._tasks[key]

    def _look(self, unfinished: dict[str, Entry[Record]]) -> None:
        now, before = self._clock(), self._seen
        fresh = {key: (entry.revision, now) for key, entry in unfinished.items()}
        self._seen = {
            key: before[key] if key in before and before[key][0] == seen[0] else seen for key, seen in fresh.items()
        }

    def _is_free(self, key: str, entry: Entry[Record]) -> bool:
        if entry.value.owner in {"", self._name}:
            return True
        return self._clock() - self._seen[key][1] >= STALE


class Turn:
    """One process's turn at one replay: from taking it up to its end, or to losing it."""

    def __init__(self, owner: str, entry: Entry[Record], replays: Replays, desk: Desk) -> None:
        self._owner = owner
        self._replays = replays
        self._key = entry.value.replay.key
        self._revision = entry.revision
        self._copying = Copying(entry.value.replay, desk, self._is_ours)

    async def run(self) -> None:
        try:
            await self._write(self._copying.replay)
            await self._finish(*await self._worked())
        except ConflictError:  # it was stopped, or another process has taken it up
            await self._add_progress()
        except UnavailableError:  # it was not taken up: whoever looks next will try
            return
        except asyncio.CancelledError:
            with suppress(OpsError):
                await self._write(self._copying.replay, owner="")
            raise

    def _is_ours(self) -> bool:
        entry = self._replays.entry(self._key)
        if entry is None or entry.revision <= self._revision:
            return True
        return entry.value.owner == self._owner and not entry.value.replay.is_over

    async def _worked(self) -> tuple[State, str | None]:
        """Work to the end, writing down now and then how far it is; says how it ended, and what went wrong."""
        work = asyncio.create_task(self._copying.run())
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=RENEW)
                if not self._is_ours():
                    raise ConflictError("somebody else has written the record")
                with suppress(UnavailableError):  # whoever can reach JetStream will take it over
                    await self._write(self._copying.replay)
            return self._verdict(work.exception())
        finally:
            await end([work])

    def _verdict(self, error: BaseException | None) -> tuple[State, str | None]:
        if error is None:
            return "done", None
        if isinstance(error, HookGoneError):
            return "failed", str(error)
        log.error("the replay %s failed by a fault of ours", self._key, exc_info=error)
        return "failed", "a fault of ours: it stands in the log"

    async def _finish(self, state: State, error: str | None) -> None:
        over = self._copying.replay.end(state, time.time(), error)
        while True:
            try:
                await self._write(over)
            except UnavailableError:
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def _add_progress(self) -> None:
        """Let a replay that was stopped tell how far it came."""
        entry = self._replays.entry(self._key)
        if entry is not None and entry.value.replay.state == "stopped":
            self._revision = entry.revision
            stopped = entry.value.replay
            with suppress(OpsError):
                await self._write(self._copying.replay.model_copy(update={"state": "stopped", "ended": stopped.ended}))

    async def _write(self, replay: Replay, owner: str | None = None) -> None:
        record = Record(replay=replay, owner=self._owner if owner is None else owner)
        self._revision = await self._replays.write(self._key, record, self._revision)
