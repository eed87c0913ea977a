"""A key-value bucket, mirrored in memory: every change is followed, and none can be missed.

The mirror reads the bucket's stream with a pull consumer of its own that begins with the last value of each key. When
the consumer is lost (the server restarted, the connection was away too long) it begins anew with the whole bucket.
Why not nats-py's watcher: `docs/decisions/0004-registry-mirror.md`. Used by the rooms that keep something in a bucket.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NoReturn, TypeVar

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from app.errors import UnavailableError
from app.jetstream.bucket import OPERATION, Bucket

log = logging.getLogger(__name__)

V = TypeVar("V")

Keys = frozenset[str]

_BATCH: Final = 256
_POLL: Final = 2.0  # seconds of one fetch; a lost consumer is noticed at the latest then
_PAUSE: Final = 0.5  # seconds before the mirror begins anew
_SEEN_WITHIN: Final = 2.0  # seconds until a write of ours must have come back to the mirror


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    """What the bucket holds for a key."""

    revision: int  # of the bucket
    stored: float  # when, Unix seconds
    value: V


@dataclass(frozen=True, slots=True)
class _Deleted:
    revision: int
    stored: float


@dataclass(frozen=True, slots=True)
class _Unreadable:
    revision: int
    stored: float


_Known = Entry[V] | _Deleted | _Unreadable


class Mirror(Generic[V]):
    """The values of a bucket, as of the last change that reached this process.

    What writes returns once this mirror has seen the change, so that who wrote reads what was written. The errors are
    those of `Bucket`.
    """

    def __init__(self, bucket: Bucket, decode: Callable[[str, bytes], V], on_change: Callable[[Keys], None]) -> None:
        """Make the mirror of a bucket; `follow` fills it.

        Args:
            bucket: What is mirrored.
            decode: Makes a value of a key and its bytes. Raises ValueError where it cannot; the error's text goes to
                the log, so it holds no secret.
            on_change: Called with the keys that changed, after the mirror has changed and before anybody who waits
                for the change is woken.
        """
        self._bucket = bucket
        self._decode = decode
        self._on_change = on_change
        self._changed = asyncio.Condition()
        self._revision = 0
        self._complete = False
        self._trouble = ""
        self._known: Mapping[str, _Known[V]] = {}  # every key that the bucket tells of
        self.entries: Mapping[str, Entry[V]] = {}  # those that have a value which can be read

    def not_ready(self) -> str | None:
        """Why the mirror cannot be asked yet, if so."""
        return None if self._complete else f"the bucket {self._bucket.name} is not read yet{self._trouble}"

    def is_gone(self, key: str) -> bool:
        """Whether the whole bucket has been read, and it held nothing for a key: not even what cannot be read.

        The mirror may be behind, and not know a key that somebody has just made: ask `confirm_gone` before doing what
        cannot be undone.
        """
        return self._complete and self._holds_nothing(key)

    async def confirm_gone(self, key: str) -> bool:
        """The same, as the server knows now."""
        return await self._bucket.holds_nothing(key)

    async def create(self, key: str, value: bytes) -> int:
        return await self._seen(await self._bucket.create(key, value))

    async def update(self, key: str, value: bytes, revision: int) -> int:
        return await self._seen(await self._bucket.update(key, value, revision))

    async def put(self, key: str, value: bytes) -> int:
        return await self._seen(await self._bucket.put(key, value))

    async def delete(self, key: str, revision: int | None = None) -> None:
        await self._bucket.delete(key, revision)
        await self._until(lambda: self._holds_nothing(key))

    def revision(self, key: str) -> int:
        """Of whatever the bucket holds for a key, also a marker or what cannot be read; 0: nothing at all."""
        known = self._known.get(key)
        return 0 if known is None else known.revision

    async def passed(self, key: str, revision: int) -> None:
        """Wait until a key is at another revision, which somebody else has written."""
        await self._until(lambda: self.revision(key) != revision)

    async def forget_deleted(self, before: float) -> None:
        """Forget the markers of keys that were deleted before a time, Unix seconds."""
        for key, known in self._known.items():
            if isinstance(known, _Deleted) and known.stored < before:
                await self._bucket.forget_marker(key, known.revision)

    async def forget_history(self, key: str) -> None:
        await self._bucket.forget_history(key)

    async def complete(self) -> None:
        """Wait until the whole bucket has been read once."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._complete)

    async def follow(self) -> NoReturn:
        """Keep the mirror up to date. Runs until it is cancelled."""
        while True:
            try:
                await self._read()
            except (NatsError, APIError, UnavailableError, TimeoutError) as error:
                self._report(error)
                await asyncio.sleep(_PAUSE)

    def _report(self, error: Exception) -> None:
        trouble = f" ({error})" if isinstance(error, APIError | UnavailableError) else f" ({type(error).__name__})"
        if trouble != self._trouble:
            log.warning("the bucket %s is read anew%s", self._bucket.name, trouble, extra={"bucket": self._bucket.name})
            self._trouble = trouble

    async def _read(self) -> None:
        """Read the bucket, then its changes, until the consumer is lost."""
        context, stream = self._bucket.context(), self._bucket.stream
        consumer = await context.add_consumer(stream, _from_last_values(f"{self._bucket.prefix}>"))
        inbox = f"{self._bucket.client.new_inbox()}.".encode()  # else nats-py takes one that is not ours to hear
        subscription = await context.pull_subscribe_bind(consumer.name, stream=stream, inbox_prefix=inbox)
        try:
            expected = consumer.num_pending or 0
            known: dict[str, _Known[V]] = {}
            while len(known) < expected:
                known |= await self._decoded(await subscription.fetch(_BATCH, timeout=_POLL))
            await self._apply(known)
            while True:
                await self._apply({**self._known, **await self._decoded(await _fetch(subscription))})
        finally:
            await subscription.unsubscribe()

    async def _apply(self, known: Mapping[str, _Known[V]]) -> None:
        changed = _differing(self._known, known)
        if not changed and self._complete:
            return
        async with self._changed:
            self._known = known
            self.entries = {key: entry for key, entry in known.items() if isinstance(entry, Entry)}
            self._revision = max((entry.revision for entry in known.values()), default=0)
            self._complete, self._trouble = True, ""
            self._on_change(changed)
            self._changed.notify_all()

    async def _decoded(self, messages: Sequence[Msg]) -> dict[str, _Known[V]]:
        # In a thread: a hook's expressions are compiled, which may take long.
        return await asyncio.to_thread(self._entries_of, messages) if messages else {}

    def _entries_of(self, messages: Sequence[Msg]) -> dict[str, _Known[V]]:
        prefix = self._bucket.prefix
        return {(key := message.subject.removeprefix(prefix)): self._entry(key, message) for message in messages}

    def _entry(self, key: str, message: Msg) -> _Known[V]:
        revision, stored = message.metadata.sequence.stream, message.metadata.timestamp.timestamp()
        known = self._known.get(key)
        if known is not None and (known.revision, known.stored) == (revision, stored):  # the bucket is read anew
            return known
        if message.headers and OPERATION in message.headers:
            return _Deleted(revision, stored)
        try:
            return Entry(revision, stored, self._decode(key, message.data))
        except ValueError as error:
            log.error(  # noqa: TRY400 -- where the fault lies stands in the message, a traceback would say nothing more
                "the bucket %s holds a value for %s that cannot be read: %s", self._bucket.name, key, error
            )
            return _Unreadable(revision, stored)

    def _holds_nothing(self, key: str) -> bool:
        return isinstance(self._known.get(key), _Deleted | None)

    async def _seen(self, revision: int) -> int:
        await self._until(lambda: self._revision >= revision)
        return revision

    async def _until(self, reached: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(_SEEN_WITHIN), self._changed:
                await self._changed.wait_for(reached)
        except TimeoutError:
            log.warning("a change of %s is stored but has not come back within %.0f s", self._bucket.name, _SEEN_WITHIN)


def _differing(before: Mapping[str, _Known[V]], after: Mapping[str, _Known[V]]) -> Keys:
    """The keys that have come, changed or gone."""
    return frozenset(key for key in before.keys() | after.keys() if before.get(key) is not after.get(key))


def _from_last_values(subject: str) -> ConsumerConfig:
    return ConsumerConfig(
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
        filter_subject=subject,  # asked for by the policy
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        num_replicas=1,
        inactive_threshold=60,  # seconds: a replica that is gone leaves nothing behind
    )


async def _fetch(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await subscription.fetch(_BATCH, timeout=_POLL)
    except TimeoutError:
        await subscription.consumer_info()  # raises NotFoundError where the consumer is lost
        return []
