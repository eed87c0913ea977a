"""Writes the status of EventHooks custom resources, so that `kubectl get eventhooks` tells how each hook is doing.

Every replica does it, from the same figures: what one has written the others see in the watch, and leave. What stands
in a status `standing.py` finds.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from app.errors import ConflictError, NotFoundError, OpsError, UnavailableError
from app.hooks.kubernetes.api import HookObjects
from app.hooks.kubernetes.originals import Original, Originals
from app.hooks.kubernetes.standing import Standing
from app.hooks.kubernetes.status import Status, patch_of

log = logging.getLogger(__name__)

EVERY: Final = 5.0  # seconds between two changes of one hook's status, whichever replica made them
_ROUND: Final = (3.0, 4.5)  # seconds between two rounds, drawn anew each time: replicas do not march in step
_APART: Final = 0.05  # seconds between two writes
_A_ROUND: Final = 60  # hooks in one round: it ends before the figures are old
_FAILURES: Final = 3  # in a row, after which the API is left alone until the next round


@dataclass(frozen=True, slots=True)
class _Shown:
    """The status that a custom resource has, as far as is known."""

    uid: str
    version: str  # in which the watch told of it last
    status: Status
    since: float  # when it was seen to change, or was written from here


class StatusReporter:
    """Compares what each status says with what it should say, and writes the difference."""

    def __init__(
        self,
        originals: Originals,
        standing: Standing,
        objects: HookObjects,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._originals = originals
        self._standing = standing
        self._objects = objects
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        self._told: set[str] = set()

    async def run(self) -> NoReturn:
        """Report every few seconds. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(random.uniform(*_ROUND))  # noqa: S311 -- no secret
            try:
                await self.report()
            except UnavailableError as error:  # others tell of JetStream's absence
                log.debug("no status is reported now: %s", error)

    async def report(self) -> None:
        """One round: write each status that is not as it should be, those first that have waited longest.

        Raises:
            UnavailableError: JetStream is away.
        """
        await self._standing.look()
        failures = 0
        for original in self._waiting():
            if (patch := self._patch(original.key)) is None:  # meanwhile another replica has written it
                continue
            failures = 0 if await self._write(original.key, patch) else failures + 1
            if failures == _FAILURES:
                return
            await asyncio.sleep(_APART)

    def _waiting(self) -> list[Original]:
        """The custom resources whose status is to be written."""
        known = self._originals.all()
        self._shown = {one.key: self._seen(self._shown.get(one.key), one) for one in known}
        waiting = [one for one in known if self._patch(one.key) is not None]
        return sorted(waiting, key=lambda one: self._shown[one.key].since)[:_A_ROUND]

    def _patch(self, key: str) -> Status | None:
        """What is to be written of a custom resource now; None: nothing, or something else has to happen first."""
        if (original := self._originals.get(key)) is None:
            return None
        shown = self._shown[key] = self._seen(self._shown.get(key), original)
        if self._clock() - shown.since < EVERY:
            return None
        wanted = self._standing.of(replace(original, status=shown.status))
        return None if wanted is None else patch_of(shown.status, wanted)

    def _seen(self, before: _Shown | None, original: Original) -> _Shown:
        """What is shown, now that the watch has told this. It may not have told yet what was written from here."""
        if before is None or before.uid != original.uid:
            since = self._clock() if original.status else float("-inf")  # somebody may have written it just now
            return _Shown(original.uid, original.version, original.status, since)
        if before.version == original.version:
            return before
        changed = patch_of(before.status, original.status) is not None
        since = self._clock() if changed else before.since
        return replace(before, version=original.version, status=original.status, since=since)

    async def _write(self, key: str, patch: Status) -> bool:
        """Write; false where the API did not take it. A later round tries again, when others have had their turn."""
        namespace, _, name = key.partition(".")
        shown = replace(self._shown[key], since=self._clock())
        self._shown[key] = shown
        try:
            await self._objects.patch_status(namespace, name, patch)
        except (NotFoundError, ConflictError):  # the watch is about to tell why
            return True
        except OpsError as error:
            self._tell(key, error)
            return False
        written = {name: value for name, value in {**shown.status, **patch}.items() if value is not None}
        self._shown[key] = replace(shown, status=written)
        return True

    def _tell(self, key: str, error: OpsError) -> None:
        if str(error) not in self._told:
            self._told.add(str(error))
            log.warning("the status of the hook %s is not written: %s", key, error, extra={"target": f"hooks.{key}"})
