"""EventHooks custom resources, mirrored into the registry: whatever happens on either side, it becomes like them.

The follower of the watch (`sources/kubernetes/hooks.py`) tells what the API says, `resources.py` what it has just
written, the registry what has changed in it. Each of them only says which hook to look at; what is to be done about
it `likeness.py` finds from the custom resource and the copy as they are now, and `copyist.py` does it. So it does not
matter how often, in which order or by how many replicas that is done, and what failed is done later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from app.errors import NotFoundError, UnavailableError
from app.hooks.kubernetes.api import HookObjects, Object
from app.hooks.kubernetes.copyist import Copyist, Left
from app.hooks.kubernetes.originals import Originals, identity_of, original_of
from app.hooks.registry import Registry
from app.jetstream.mirror import Keys

log = logging.getLogger(__name__)

_AT_ONCE: Final = 16  # hooks that are looked at together
_PAUSE: Final = 0.5  # seconds before it is tried again, where JetStream is away

# Seconds before the API is asked what is so. The watch mostly tells within the first what the registry knows already.
_DOUBT: Final = 0.5
_AWAY: Final = 5.0  # after it did not answer
_REFUSED: Final = 60.0  # after it did not take a hook


class Mirroring:
    """Keeps the registry like the custom resources. `run` works, the other methods tell it of them."""

    def __init__(
        self,
        registry: Registry,
        copyist: Copyist,
        objects: HookObjects,
        originals: Originals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._copyist = copyist
        self._objects = objects
        self._originals = originals
        self._clock = clock
        self._due: dict[str, None] = {}  # keys to look at, in this order
        self._doubts: dict[str, float] = {}  # keys of which the API is to be asked, and when
        self._wake = asyncio.Event()
        self._told = ""
        registry.subscribe(self._registry_changed)

    async def apply(self, resource: Object) -> None:
        """Take over a custom resource that was just written; on return it is in force, unless JetStream is away."""
        original = await asyncio.to_thread(original_of, resource)
        self._originals.write(original)
        await self._look(original.key)

    async def gone(self, key: str) -> None:
        """Forget a custom resource that was just deleted, unless it has been made anew meanwhile."""
        try:
            await self._ask(key)
        except UnavailableError:  # then the watch will tell
            self._look_later([key])

    def begin(self) -> None:
        """A list of all custom resources begins."""
        self._originals.begin()

    async def listed(self, resources: Sequence[Object]) -> None:
        """A page of it."""
        page = await asyncio.to_thread(lambda: [original_of(resource) for resource in resources])
        self._originals.list(page)
        self._look_later(original.key for original in page)

    def synced(self, version: str) -> None:
        """The list is complete as of a version: what was not listed is gone."""
        self._originals.complete_list(version)
        self._look_later(self._registry.keys())  # at the others the pages had it looked at

    async def changed(self, resource: Object) -> None:
        """A custom resource is new, or another."""
        original = await asyncio.to_thread(original_of, resource)
        self._originals.change(original)
        self._look_later([original.key])

    def deleted(self, resource: Object) -> None:
        """A custom resource was deleted, under the version of the deletion."""
        whose = identity_of(resource)
        self._originals.delete(whose)
        self._look_later([whose.key])

    def reached(self, version: str) -> None:
        """There is no change up to a version that was not told."""
        self._originals.reach(version)

    async def run(self) -> NoReturn:
        """Look at what is due, and ask about what is in doubt. Runs until it is cancelled."""
        await self._registry.complete()
        while True:
            await self._look_at_all()
            await self._ask_about_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience()):
                    await self._wake.wait()

    def _registry_changed(self, targets: Keys) -> None:
        self._look_later(target.removeprefix("hooks.") for target in targets)

    def _look_later(self, keys: Iterable[str]) -> None:
        self._due.update(dict.fromkeys(keys))
        self._wake.set()

    async def _look_at_all(self) -> None:
        self._wake.clear()
        while keys := list(self._due)[:_AT_ONCE]:
            for key in keys:
                del self._due[key]
            if not all(await asyncio.gather(*map(self._look, keys))):
                await asyncio.sleep(_PAUSE)

    async def _look(self, key: str) -> bool:
        """Look at a hook; false where that has to be done again, as JetStream is away or has not been read yet."""
        try:
            await self._settle(key)
        except UnavailableError as error:
            self._tell(error)
            self._look_later([key])
            return False
        return True

    async def _settle(self, key: str, at: int | None = None) -> None:
        if not self._originals.covers(key):
            return
        self._doubts.pop(key, None)
        match await self._copyist.settle(key, at):
            case Left.DOUBTFUL:
                self._doubt(key, _DOUBT)
            case Left.REFUSED:
                self._doubt(key, _REFUSED)
            case Left.CONTENDED:
                self._look_later([key])

    def _doubt(self, key: str, seconds: float) -> None:
        self._doubts[key] = self._clock() + seconds
        self._wake.set()

    def _patience(self) -> float | None:
        """Seconds until the API is to be asked; None: it is not."""
        return max(0.0, min(self._doubts.values()) - self._clock()) if self._doubts else None

    async def _ask_about_all(self) -> None:
        for key in [key for key, when in self._doubts.items() if when <= self._clock()]:
            try:
                await self._ask(key)
            except UnavailableError as error:
                self._tell(error)
                self._doubts = dict.fromkeys(self._doubts, self._clock() + _AWAY)
                return

    async def _ask(self, key: str) -> None:
        """Have the API say whether there is a custom resource, and make the registry like that.

        Raises:
            UnavailableError: the API or JetStream is away; nothing is forgotten.
        """
        if not self._originals.covers(key):
            return
        at, before = self._registry.revision(key), self._originals.get(key)
        namespace, _, name = key.partition(".")
        try:
            found = await asyncio.to_thread(original_of, await self._objects.get(namespace, name))
        except NotFoundError:
            self._originals.forget(key, before)
        else:
            self._originals.put(found, before)
        await self._settle(key, at)

    def _tell(self, error: UnavailableError) -> None:
        if self._told != str(error):
            self._told = str(error)
            log.warning("the hooks in the registry may not be like the custom resources for a while: %s", error)
