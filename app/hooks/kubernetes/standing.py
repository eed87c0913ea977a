"""How each hook stands, put together for its status: what is in force, whether it rests, what became of its events.

Asked by `reporter.py`; `status.py` says what that comes to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from app.delivery.ledger.figures import Figures, FiguresReader
from app.hooks.kubernetes.originals import Original
from app.hooks.kubernetes.status import Status, is_in_force, status_of
from app.hooks.pauses import Pauses
from app.hooks.registry import Registry

Mask = Callable[[str, str], str]  # gives a text back without the secrets of a target, which is named by its key


class Standing:
    """Looks, and tells what it saw."""

    def __init__(
        self,
        registry: Registry,
        pauses: Pauses,
        figures: FiguresReader,
        mask: Mask,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Make it; `now` is the time of day, Unix seconds."""
        self._registry = registry
        self._pauses = pauses
        self._figures = figures
        self._mask = mask
        self._now = now

    async def look(self) -> None:
        """See what became of events since the last look.

        Raises:
            UnavailableError: JetStream is away.
        """
        await self._figures.look(self._registry.ordered)

    def of(self, original: Original) -> Status | None:
        """The status that a custom resource is to have; None while it is about to come into force, or nobody knows."""
        target = f"hooks.{original.key}"
        copy, figures = self._registry.copy(original.key), self._figures.of(target)
        pending = original.hook is not None and not is_in_force(original, copy)
        if figures is None or pending:
            return None
        return status_of(original, copy, self._pauses.get(target), self._masked(target, figures), self._now())

    def _masked(self, target: str, figures: Figures) -> Figures:
        """An error may quote a secret that the hook was given only after it was written down."""
        if (last := figures.last_error) is None:
            return figures
        return replace(figures, last_error=replace(last, reason=self._mask(target, last.reason)))
