"""The registry of hooks: a key-value bucket, mirrored in each process, and what matching and delivery ask of it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

from nats.aio.client import Client

from app.delivery.delivery import Target
from app.errors import ConflictError, NotFoundError, UnavailableError
from app.hooks.hook import MIRRORED, ORDERED_SINCE, Hook
from app.hooks.kubernetes.likeness import Copy
from app.hooks.matching.index import SubjectIndex
from app.hooks.matching.match import CompiledHook, compile_hook
from app.hooks.secrets.sealing import Sealing
from app.jetstream.bucket import Bucket
from app.jetstream.mirror import Entry, Keys, Mirror
from streams.subjects import HOOKS_BUCKET

log = logging.getLogger(__name__)

_TARGETS: Final = "hooks."  # with the key in the bucket behind it: a target's key


@dataclass(frozen=True, slots=True)
class _Kept:
    compiled: CompiledHook
    locked: str  # why its secrets cannot be read; empty: they can
    current: bool  # it lies in the bucket as it would be written now


class Registry:
    """The hooks, as of the last change that reached this process.

    Users name a hook by namespace and name, delivery by the key of its target, `hooks.{namespace}.{name}`. A hook whose
    secrets cannot be read is *locked*: it is matched, so that its events can be parked, and has no target to send to.
    """

    def __init__(self, connection: Callable[[], Client | None], sealing: Sealing | None = None) -> None:
        self._sealing = sealing or Sealing()
        self._mirror = Mirror(Bucket(connection, HOOKS_BUCKET), self._decode, self._changed)
        self._subscribers: list[Callable[[Keys], None]] = []
        self.not_ready, self.complete = self._mirror.not_ready, self._mirror.complete
        self.index = SubjectIndex()
        self._locks: Mapping[str, str] = {}  # why secrets cannot be read, by target
        self.ordered: Mapping[str, float] = {}  # since when a hook is ordered, Unix seconds, by target

    async def follow(self) -> NoReturn:
        """Keep the mirror up to date. Runs until it is cancelled."""
        await self._mirror.follow()

    def subscribe(self, tell: Callable[[Keys], None]) -> None:
        """Have the targets told whose hooks have come, changed or gone; called at once, on the event loop."""
        self._subscribers.append(tell)

    def hooks(self, namespace: str) -> list[Hook]:
        """The hooks of a namespace, by name."""
        entries = self._mirror.entries
        return [_hook(entries[key]) for key in sorted(entries) if key.startswith(f"{namespace}.")]

    def get(self, namespace: str, name: str) -> Hook:
        """Raises: NotFoundError: there is no such hook."""
        entry = self._mirror.entries.get(f"{namespace}.{name}")
        if entry is None:
            raise NotFoundError(f"there is no hook {name} in namespace {namespace}")
        return _hook(entry)

    def compiled(self, target: str) -> CompiledHook | None:
        """The hook of a target; None where there is none, or none that can be read."""
        entry = self._entry(target)
        return None if entry is None else entry.value.compiled

    def target(self, target: str) -> Target | None:
        """A target by its key, as it is now; None where there is no such hook, or it is locked."""
        compiled = self.compiled(target)
        return None if compiled is None or self.locked(target) else compiled.target

    def locked(self, target: str) -> str:
        """Why the secrets of a target's hook cannot be read; empty where they can."""
        return self._locks.get(target, "")

    def generation(self, target: str) -> int | None:
        """How often the spec of a target's hook was changed, from 1."""
        compiled = self.compiled(target)
        return None if compiled is None else compiled.hook.metadata.generation

    def since(self, target: str) -> float:
        """Since when a hook is ordered, or is not, as far as is known; Unix seconds, 0 where there is no such hook."""
        entry = self._entry(target)
        return 0.0 if entry is None else _since(entry)

    def is_gone(self, target: str) -> bool:
        """Whether there is no such hook, as far as the mirror knows; False while in doubt.

        Ask `confirm_gone` before doing what cannot be undone: the mirror may be behind.
        """
        key = _key(target)
        return key is not None and self._mirror.is_gone(key)

    async def confirm_gone(self, target: str) -> bool:
        """Whether there is no such hook, as the server knows now.

        Raises:
            UnavailableError: JetStream is away.
        """
        key = _key(target)
        return key is not None and await self._mirror.confirm_gone(key)

    async def create(self, hook: Hook) -> Hook:
        """Keep a new hook; returns it as it is kept.

        Raises:
            ConflictError: there is one of that name.
            UnavailableError: JetStream is away.
        """
        try:
            return _at(await self._mirror.create(hook.key, self._sealing.seal(hook)), hook)
        except ConflictError:
            raise ConflictError(f"a hook {hook.metadata.name} exists already: replace it with PUT") from None

    async def replace(self, hook: Hook, revision: int) -> Hook:
        """Keep a hook in place of the one at a revision; returns it as it is kept.

        Raises:
            ConflictError: it has been changed since that revision.
            UnavailableError: JetStream is away.
        """
        try:
            return _at(await self._mirror.update(hook.key, self._sealing.seal(hook), revision), hook)
        except ConflictError:
            raise ConflictError(
                f"the hook {hook.metadata.name} was changed since you read it: read it again, then replace it"
            ) from None

    async def delete(self, namespace: str, name: str) -> None:
        """Raises: NotFoundError: there is no such hook. UnavailableError: JetStream is away."""
        await self._mirror.delete(self.get(namespace, name).key)

    def keys(self) -> Collection[str]:
        """Every hook's, `{namespace}.{name}`."""
        return self._mirror.entries.keys()

    def copy(self, key: str) -> Copy | None:
        """A hook as it lies in the bucket, for who keeps it like a custom resource."""
        entry = self._mirror.entries.get(key)
        return None if entry is None else Copy(entry.value.compiled.hook, entry.value.locked)

    def revision(self, key: str) -> int:
        """Of whatever lies in the bucket under a hook's key: a hook, what cannot be read, the mark of a deletion."""
        return self._mirror.revision(key)

    async def keep(self, hook: Hook, revision: int) -> None:
        """Keep a copy of a custom resource in place of what lies at a revision.

        Raises:
            ConflictError: it has been changed since; `passed` waits until that is seen here.
            UnavailableError: JetStream is away.
        """
        await self._mirror.update(hook.key, self._sealing.seal(hook), revision)

    async def drop(self, key: str, revision: int) -> None:
        """Forget the hook at a revision; raises what `keep` does."""
        await self._mirror.delete(key, revision)

    async def passed(self, key: str, revision: int) -> None:
        """Wait until what lies under a key is seen to be at another revision."""
        await self._mirror.passed(key, revision)

    async def seal_anew(self) -> None:
        """Seal what lies in plain sight, or is sealed with a key of before, as it would be now, and forget how it was.

        Called at the start, in every process: each hook is done by the one that comes first. While JetStream is away
        nothing is done: the next start makes up for it.
        """
        stale = [(key, entry) for key, entry in self._mirror.entries.items() if _is_stale(entry.value)]
        try:
            for key, entry in stale:
                await self._seal_anew(key, entry)
        except UnavailableError as error:
            log.warning("some hooks are not sealed with the first key yet: %s; start again to have it done", error)

    async def _seal_anew(self, key: str, entry: Entry[_Kept]) -> None:
        with suppress(ConflictError):  # somebody else has written it meanwhile
            await self._mirror.update(key, self._sealing.seal(entry.value.compiled.hook), entry.revision)
            await self._mirror.forget_history(key)

    def _entry(self, target: str) -> Entry[_Kept] | None:
        return self._mirror.entries.get(_key(target) or "")

    def _decode(self, key: str, value: bytes) -> _Kept:
        opened = self._sealing.open(key, value)
        if opened.locked:
            log.error(
                "the secrets of the hook %s cannot be read: %s; its events are parked until SECRETS_KEY has the key, or"
                " the hook is replaced with its secrets written anew",
                key,
                opened.locked,
                extra={"target": _TARGETS + key},
            )
        return _Kept(compile_hook(opened.hook), opened.locked, opened.current)

    def _changed(self, keys: Keys) -> None:
        entries = self._mirror.entries
        self.index = SubjectIndex(entry.value.compiled for entry in entries.values())
        self._locks = {_TARGETS + key: why for key, entry in entries.items() if (why := entry.value.locked)}
        self.ordered = {_TARGETS + key: _since(entry) for key, entry in entries.items() if _is_ordered(entry)}
        for tell in self._subscribers:
            tell(frozenset(_TARGETS + key for key in keys))


def _key(target: str) -> str | None:
    """The key in the bucket; None where the target is no hook."""
    return target.removeprefix(_TARGETS) if target.startswith(_TARGETS) else None


def _is_stale(kept: _Kept) -> bool:
    return not kept.current and not kept.locked


def _is_ordered(entry: Entry[_Kept]) -> bool:
    return entry.value.compiled.hook.is_ordered


def _since(entry: Entry[_Kept]) -> float:
    """When the hook began to be ordered; of another one, when it was stored."""
    if (written := entry.value.compiled.hook.metadata.annotations.get(ORDERED_SINCE)) is None:
        return entry.stored
    try:
        return dt.datetime.fromisoformat(written).timestamp()
    except ValueError:  # somebody else has written it
        return entry.stored


def _hook(entry: Entry[_Kept]) -> Hook:
    return _at(entry.revision, entry.value.compiled.hook)


def _at(revision: int, hook: Hook) -> Hook:
    """A hook as it is kept at a revision of the bucket, without what is only for who mirrors it."""
    annotations = {name: text for name, text in hook.metadata.annotations.items() if name != MIRRORED}
    known = {"resource_version": str(revision), "annotations": annotations}
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update=known)})
