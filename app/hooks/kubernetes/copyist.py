"""Makes the registry's copy of one custom resource what it is to be. Called by `mirroring.py`, which knows when."""

from __future__ import annotations

import asyncio
import datetime as dt
from enum import Enum
from typing import Final
from weakref import WeakValueDictionary

from app.errors import ConflictError, UnavailableError
from app.hooks.hook import MIRRORED, Hook
from app.hooks.kubernetes.adoption import Adoption
from app.hooks.kubernetes.likeness import Copy, Deed, Keep, Knowledge, decide
from app.hooks.kubernetes.originals import Original, Originals, original_of
from app.hooks.pauses import Pause, Pauses
from app.hooks.registry import Registry

_TRIES: Final = 5  # writes of one hook that somebody else may forestall


class Left(Enum):
    """How a hook was left."""

    LIKE = "like"  # the registry is as it is to be
    DOUBTFUL = "doubtful"  # the registry knows more than has been told here
    REFUSED = "refused"  # the API did not take what is to be a custom resource, and may later
    CONTENDED = "contended"  # others kept writing it


class Copyist:
    """Decides and writes, one thing at a time for each hook. Others write too: a write is for a revision."""

    def __init__(self, registry: Registry, pauses: Pauses, originals: Originals, adoption: Adoption) -> None:
        self._registry = registry
        self._pauses = pauses
        self._originals = originals
        self._adoption = adoption
        self._kept: dict[str, str] = {}  # by key: the uid of the custom resource that the registry has had a copy of
        self._mended: set[tuple[str, str]] = set()  # keys and versions that were written anew for their secrets
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def settle(self, key: str, at: int | None = None) -> Left:
        """Make the registry like the custom resource.

        Args:
            key: Names both, `{namespace}.{name}`.
            at: A revision of the registry after which the API has said what is so.

        Raises:
            UnavailableError: JetStream is away, or has not been read yet.
        """
        if trouble := self._registry.not_ready():
            raise UnavailableError(trouble)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            for _ in range(_TRIES):
                revision = self._registry.revision(key)
                try:
                    if (left := await self._do(key, revision, sure=revision == at)) is not None:
                        return left
                except ConflictError:
                    await self._registry.passed(key, revision)
        return Left.CONTENDED

    async def _do(self, key: str, revision: int, *, sure: bool) -> Left | None:
        """Do what there is to be done; None where it has to be looked at again after that."""
        original, copy = self._originals.get(key), self._registry.copy(key)
        match decide(original, copy, self._knowledge(key, original, copy, sure=sure)):
            case Keep(hook):
                await self._keep(hook, copy, revision)
                return None
            case Deed.DROP if copy is not None:
                await self._registry.drop(key, revision)
                await self._pauses.resume(copy.hook.target.key)  # the other way round it would go on for a moment
                return None
            case Deed.ADOPT if copy is not None:
                return await self._adopt(copy)
            case Deed.ASK:
                return Left.DOUBTFUL
        self._note(key, original, copy)
        return Left.LIKE

    def _knowledge(self, key: str, original: Original | None, copy: Copy | None, *, sure: bool) -> Knowledge:
        return Knowledge(
            complete=self._originals.complete,
            absent=copy is not None and self._originals.is_absent(key, copy.hook.metadata.uid, copy.mark),
            kept=original is not None and self._kept.get(key) == original.uid,
            sure=sure,
            may_mend=original is not None and (key, original.version) not in self._mended,
        )

    def _note(self, key: str, original: Original | None, copy: Copy | None) -> None:
        """Remember of which custom resource the registry has a copy; of those that are gone nothing."""
        if original is None:
            self._kept.pop(key, None)
        elif copy is not None and copy.is_of(original):
            self._kept[key] = original.uid

    async def _keep(self, hook: Hook, copy: Copy | None, revision: int) -> None:
        if copy is not None and copy.locked:
            # Once: a replica with other keys may do the same, and they must not go on for ever.
            self._mended.add((hook.key, hook.metadata.annotations[MIRRORED]))
        await self._drop_leftover(hook, copy)
        await self._registry.keep(hook, revision)

    async def _drop_leftover(self, hook: Hook, copy: Copy | None) -> None:
        """The pause of a hook that was deleted is not for the one that was made anew under its name."""
        is_another = copy is None or (bool(copy.mark) and copy.hook.metadata.uid != hook.metadata.uid)
        pause = self._pauses.get(hook.target.key)
        if is_another and pause is not None and is_older(pause, hook.metadata.creation_timestamp):
            await self._pauses.resume(hook.target.key)

    async def _adopt(self, copy: Copy) -> Left | None:
        if copy.locked or self._adoption.is_refused(copy.hook):
            return Left.LIKE
        try:
            made = await self._adoption.adopt(copy.hook)
        except UnavailableError:
            return Left.REFUSED
        if made is None:
            return Left.LIKE
        self._originals.write(await asyncio.to_thread(original_of, made))
        return None


def is_older(pause: Pause, created: str) -> bool:
    """Whether a pause began before a hook was made; while in doubt it did not."""
    try:
        return dt.datetime.fromisoformat(pause.since) < dt.datetime.fromisoformat(created)
    except (ValueError, TypeError):  # one is no time, or has no zone
        return False
