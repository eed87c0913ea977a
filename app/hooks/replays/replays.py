"""The replays: begun, looked at and stopped here. Their records live in a key-value bucket that every process follows.

Called by the HTTP endpoints, by `replaying.py`, which does the work, and by whoever delivers a copy and has to know
whether its replay was stopped.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from nats.aio.client import Client
from pydantic import ValidationError

from app.errors import ConflictError, NotFoundError
from app.hooks.moment import rfc3339
from app.hooks.registry import Registry
from app.hooks.replays.replay import Record, Replay, read_wanted
from app.hooks.replays.span import span_of
from app.jetstream.bucket import Bucket
from app.jetstream.mirror import Entry, Keys, Mirror
from app.jetstream.read import StreamReader
from streams.buckets import MAX_REPLAYS, REPLAYS_MAX_AGE_SECONDS
from streams.subjects import REPLAYS_BUCKET

_TRIES: Final = 20  # at stopping a replay whose progress is being written
_PAUSE: Final = 0.1  # seconds between them


class Replays:
    """The replays of all hooks, as of the last change that reached this process."""

    def __init__(self, connection: Callable[[], Client | None], registry: Registry, reader: StreamReader) -> None:
        """Make the replays; `connection` gives the connection to NATS, once there is one."""
        self._bucket = Bucket(connection, REPLAYS_BUCKET)
        self._mirror = Mirror(self._bucket, _decode, self._changed)
        self._registry = registry
        self._reader = reader
        self._stopped: frozenset[str] = frozenset()
        self.follow, self.not_ready, self.complete = self._mirror.follow, self._mirror.not_ready, self._mirror.complete

    def is_stopped(self, replay: str) -> bool:
        """Whether what a replay has copied is not to be delivered any more. Cheap: asked for every copy.

        Never so for dead letters: their copies are all that is left of them.
        """
        return replay in self._stopped

    def list(self, namespace: str, hook: str) -> list[Replay]:
        """The replays of a hook, newest first.

        Raises:
            NotFoundError: there is no such hook.
        """
        self._registry.get(namespace, hook)
        kept = (entry.value.replay for entry in self._kept().values())
        found = [replay for replay in kept if (replay.namespace, replay.hook) == (namespace, hook)]
        return sorted(found, key=lambda replay: replay.started, reverse=True)

    def get(self, namespace: str, hook: str, replay: str) -> Replay:
        """Raises: NotFoundError: there is no such replay."""
        return self._entry(namespace, hook, replay).value.replay

    async def create(self, namespace: str, hook: str, body: Mapping[str, Any]) -> Replay:
        """Begin a replay; a process that delivers takes it up.

        Raises:
            NotFoundError: there is no such hook.
            InvalidResourceError: a field breaks a rule, or lies outside the stream.
            ConflictError: another replay of the hook is under way, or too many are kept.
            UnavailableError: JetStream is away.
        """
        found = self._registry.get(namespace, hook)
        wanted = read_wanted(body)
        self._admit(namespace, hook)
        piece, total = await span_of(self._reader, found, wanted)
        replay = Replay(
            id=secrets.token_hex(8),
            namespace=namespace,
            hook=hook,
            origin=wanted.origin,
            until=wanted.until,
            rate=wanted.rate,
            first=piece.first,
            last=piece.last,
            position=piece.first - 1,
            total=total,
            started=rfc3339(time.time()),
        )
        await self._mirror.create(replay.key, _bytes(Record(replay=replay)))
        return replay

    async def stop(self, namespace: str, hook: str, replay: str) -> Replay:
        """Stop a replay; one that is over stays as it ended.

        Raises:
            NotFoundError: there is no such replay.
            ConflictError: its record changes too fast.
            UnavailableError: JetStream is away.
        """
        for _ in range(_TRIES):
            entry = self._entry(namespace, hook, replay)
            found = entry.value.replay
            if found.is_over:
                return found
            stopped = found.end("stopped", time.time())
            record = entry.value.model_copy(update={"replay": stopped})
            try:
                await self._mirror.update(found.key, _bytes(record), entry.revision)
            except ConflictError:  # its progress was written, which the mirror sees in a moment
                await asyncio.sleep(_PAUSE)
            else:
                return stopped
        raise ConflictError(f"the replay {replay} changes too fast to be stopped: try again")

    def unfinished(self) -> dict[str, Entry[Record]]:
        """The replays that are not over, by key."""
        return {key: entry for key, entry in self._kept().items() if not entry.value.replay.is_over}

    def entry(self, key: str) -> Entry[Record] | None:
        """What is kept of a replay."""
        return self._mirror.entries.get(key)

    async def write(self, key: str, record: Record, revision: int) -> int:
        """Put a record in place of the one at a revision; returns its own, before the mirror has seen it.

        Raises:
            ConflictError: somebody else has written it since.
            UnavailableError: JetStream is away.
        """
        return await self._bucket.update(key, _bytes(record), revision)

    def _admit(self, namespace: str, hook: str) -> None:
        """One replay of a hook at a time: two would bring it more than either's rate."""
        under_way = [one for one in self.list(namespace, hook) if not one.is_over]
        if under_way:
            raise ConflictError(f"the replay {under_way[0].id} of this hook is under way: wait for it, or stop it")
        if len(self._kept()) >= MAX_REPLAYS:
            raise ConflictError(f"{MAX_REPLAYS} replays are kept already: the oldest goes 7 days after its end")

    def _entry(self, namespace: str, hook: str, replay: str) -> Entry[Record]:
        entry = self._kept().get(f"{namespace}.{hook}.{replay}")
        if entry is None:
            raise NotFoundError(f"there is no replay {replay} of the hook {hook} in namespace {namespace}")
        return entry

    def _kept(self) -> dict[str, Entry[Record]]:
        """What the bucket holds: it drops what is old without a word to the mirror."""
        oldest = time.time() - REPLAYS_MAX_AGE_SECONDS
        return {key: entry for key, entry in self._mirror.entries.items() if entry.stored > oldest}

    def _changed(self, _: Keys) -> None:
        replays = (entry.value.replay for entry in self._mirror.entries.values())
        self._stopped = frozenset(one.id for one in replays if one.state == "stopped" and not one.takes_letters)


def _bytes(record: Record) -> bytes:
    return record.model_dump_json(by_alias=True).encode()


def _decode(_: str, value: bytes) -> Record:
    try:
        return Record.model_validate_json(value)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise ValueError(f"it is no replay ({where}); delete it") from None
