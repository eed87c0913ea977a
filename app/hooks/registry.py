"""The registry of hooks: a key-value bucket, and in each process a mirror of it that follows every change.

The mirror reads the bucket's stream with a pull consumer of its own that begins with the last value of each key. When
the consumer is lost (the server restarted, the connection was away too long) it begins anew with the whole bucket, so a
change cannot be missed. Why not nats-py's watcher: `docs/decisions/0004-registry-mirror.md`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from pydantic import ValidationError

from app.errors import ConflictError, NotFoundError, UnavailableError
from app.hooks.hook import Hook
from app.hooks.index import SubjectIndex
from app.hooks.match import CompiledHook, compile_hook
from streams.subjects import HOOKS_BUCKET

log = logging.getLogger(__name__)

T = TypeVar("T")

_STREAM: Final = f"KV_{HOOKS_BUCKET}"
_PREFIX: Final = f"$KV.{HOOKS_BUCKET}."
_BATCH: Final = 256
_POLL: Final = 2.0  # seconds of one fetch; a lost consumer is noticed at the latest then
_PAUSE: Final = 0.5  # seconds before the mirror begins anew
_SEEN_WITHIN: Final = 2.0  # seconds until a write of ours must have come back to the mirror


@dataclass(frozen=True, slots=True)
class _Entry:
    revision: int
    compiled: CompiledHook | None  # None: the key was deleted, or its value is no hook

    @property
    def hook(self) -> Hook | None:
        return None if self.compiled is None else _at(self.revision, self.compiled.hook)


class Registry:
    """The hooks, as of the last change that reached this process."""

    def __init__(self, connection: Callable[[], Client | None]) -> None:
        self._connection = connection
        self._entries: dict[str, _Entry] = {}
        self._changed = asyncio.Condition()
        self._revision = 0
        self._complete = False
        self._trouble = ""
        self.index = SubjectIndex()

    def not_ready(self) -> str | None:
        """Why hooks cannot be matched yet, if so."""
        return None if self._complete else f"the registry of hooks is not read yet{self._trouble}"

    def hooks(self, namespace: str) -> list[Hook]:
        """The hooks of a namespace, by name."""
        found = (entry.hook for key, entry in sorted(self._entries.items()) if key.startswith(f"{namespace}."))
        return [hook for hook in found if hook is not None]

    def get(self, namespace: str, name: str) -> Hook:
        """Raises: NotFoundError: there is no such hook."""
        entry = self._entries.get(f"{namespace}.{name}")
        if entry is None or (hook := entry.hook) is None:
            raise NotFoundError(f"there is no hook {name} in namespace {namespace}")
        return hook

    async def create(self, hook: Hook) -> Hook:
        """Keep a new hook; returns it as it is kept.

        Raises:
            ConflictError: there is one of that name.
            UnavailableError: JetStream is away.
        """
        try:
            revision = await self._write(lambda bucket: bucket.create(hook.key, _bytes(hook)))
        except KeyWrongLastSequenceError:
            raise ConflictError(f"a hook {hook.metadata.name} exists already: replace it with PUT") from None
        await self._seen(revision)
        return _at(revision, hook)

    async def replace(self, hook: Hook, revision: int) -> Hook:
        """Keep a hook in place of the one at a revision; returns it as it is kept.

        Raises:
            ConflictError: it has been changed since that revision.
            UnavailableError: JetStream is away.
        """
        try:
            written = await self._write(lambda bucket: bucket.update(hook.key, _bytes(hook), last=revision))
        except KeyWrongLastSequenceError:
            raise ConflictError(
                f"the hook {hook.metadata.name} was changed since you read it: read it again, then replace it"
            ) from None
        await self._seen(written)
        return _at(written, hook)

    async def delete(self, namespace: str, name: str) -> None:
        """Raises: NotFoundError: there is no such hook. UnavailableError: JetStream is away."""
        hook = self.get(namespace, name)
        await self._write(lambda bucket: bucket.delete(hook.key))
        await self._until(lambda: self._is_gone(hook.key))

    async def follow(self) -> NoReturn:
        """Keep the mirror up to date. Runs until it is cancelled."""
        while True:
            try:
                await self._mirror()
            except (NatsError, APIError, UnavailableError, TimeoutError) as error:
                self._report(error)
                await asyncio.sleep(_PAUSE)

    def _report(self, error: Exception) -> None:
        trouble = f" ({error})" if isinstance(error, APIError | UnavailableError) else f" ({type(error).__name__})"
        if trouble != self._trouble:
            log.warning("the registry of hooks is read anew%s", trouble)
            self._trouble = trouble

    async def complete(self) -> None:
        """Wait until the whole bucket has been read once."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._complete)

    async def _write(self, write: Callable[[KeyValue], Awaitable[T]]) -> T:
        try:
            return await write(await self._context().key_value(HOOKS_BUCKET))
        except KeyWrongLastSequenceError:
            raise
        except (NatsError, APIError, TimeoutError) as error:
            raise UnavailableError(f"JetStream did not take the change ({type(error).__name__})") from error

    def _context(self) -> JetStreamContext:
        client = self._connection()
        if client is None or not client.is_connected:
            raise UnavailableError("NATS is not connected")
        return client.jetstream()

    async def _mirror(self) -> None:
        """Read the bucket, then its changes, until the consumer is lost."""
        context = self._context()
        consumer = await context.add_consumer(_STREAM, _from_last_values())
        subscription = await context.pull_subscribe_bind(consumer.name, stream=_STREAM)
        try:
            expected = consumer.num_pending or 0
            entries: dict[str, _Entry] = {}
            while len(entries) < expected:
                entries |= _entries(await subscription.fetch(_BATCH, timeout=_POLL))
            await self._apply(entries)
            while True:
                await self._apply(self._entries | _entries(await _fetch(subscription)))
        finally:
            await subscription.unsubscribe()

    async def _apply(self, entries: dict[str, _Entry]) -> None:
        if entries == self._entries and self._complete:
            return
        self._entries = entries
        self.index = SubjectIndex(entry.compiled for entry in entries.values() if entry.compiled is not None)
        self._revision = max((entry.revision for entry in entries.values()), default=0)
        async with self._changed:
            self._complete, self._trouble = True, ""
            self._changed.notify_all()

    async def _seen(self, revision: int) -> None:
        await self._until(lambda: self._revision >= revision)

    async def _until(self, reached: Callable[[], bool]) -> None:
        """Wait for our own write to come back, so that who wrote reads what was written."""
        try:
            async with asyncio.timeout(_SEEN_WITHIN), self._changed:
                await self._changed.wait_for(reached)
        except TimeoutError:
            log.warning("a change of the registry is stored but has not come back within %.0f s", _SEEN_WITHIN)

    def _is_gone(self, key: str) -> bool:
        entry = self._entries.get(key)
        return entry is None or entry.compiled is None


def _from_last_values() -> ConsumerConfig:
    return ConsumerConfig(
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
        filter_subject=f"{_PREFIX}>",  # asked for by the policy
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


def _entries(messages: Iterable[Msg]) -> dict[str, _Entry]:
    return {message.subject.removeprefix(_PREFIX): _entry(message) for message in messages}


def _entry(message: Msg) -> _Entry:
    revision = message.metadata.sequence.stream
    if message.headers and "KV-Operation" in message.headers:  # a delete or a purge
        return _Entry(revision, None)
    try:
        return _Entry(revision, compile_hook(Hook.model_validate_json(message.data)))
    except ValidationError as error:
        where = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        log.error(  # noqa: TRY400 -- where the fault lies stands in the message, a traceback would say nothing more
            "the bucket holds %s, which is no hook (%s): replace or delete it", message.subject, where
        )
        return _Entry(revision, None)


def _at(revision: int, hook: Hook) -> Hook:
    """A hook as it is kept at a revision of the bucket."""
    metadata = hook.metadata.model_copy(update={"resource_version": str(revision)})
    return hook.model_copy(update={"metadata": metadata})


def _bytes(hook: Hook) -> bytes:
    return hook.model_dump_json(by_alias=True, exclude={"metadata": {"resource_version"}}).encode()
