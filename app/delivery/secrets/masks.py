"""Texts of others without the secrets of targets: what endpoints answered, and why an attempt failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from app.delivery.delivery import Target
from app.delivery.secrets.masking import masked_text, secrets_of
from app.jetstream.mirror import Keys

_REMEMBERED: Final = 64  # secrets of one target
_GONE: Final = 1_000  # targets that are gone


class Targets(Protocol):
    """A registry, as far as it is needed here."""

    def subscribe(self, tell: Callable[[Keys], None]) -> None: ...

    def target(self, target: str) -> Target | None: ...


class Masks:
    """Knows the secrets of each target, those of before too: an attempt with them may be written down later."""

    def __init__(self, registry: Targets) -> None:
        """Begin before the registry is followed: it tells of changes only."""
        self._registry = registry
        self._secrets: dict[str, tuple[str, ...]] = {}
        self._gone: dict[str, None] = {}  # the first to go first
        registry.subscribe(self._changed)

    def __call__(self, target: str, text: str) -> str:
        """The text without the secrets of a target, which is named by its key."""
        return masked_text(text, self._secrets.get(target, ()))

    def _changed(self, targets: Keys) -> None:
        for key in targets:
            target = self._registry.target(key)
            found = dict.fromkeys((*(secrets_of(target) if target else ()), *self._secrets.get(key, ())))
            if found:
                self._secrets[key] = tuple(found)[:_REMEMBERED]
            self._gone.pop(key, None)
            if target is None:
                self._gone[key] = None
        while len(self._gone) > _GONE:
            self._secrets.pop(forgotten := next(iter(self._gone)), None)
            del self._gone[forgotten]
