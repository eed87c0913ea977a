"""What this program notes in the annotations of a hook, and what others do. Pure; whoever writes hooks asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.events import cloudevent
from app.hooks.hook import ORDERED_SINCE, Hook
from app.hooks.secrets.write_only import COPY

_OURS: Final = "events.chenshaowen.com/"


def noted(posted: Hook, current: Hook | None) -> Mapping[str, str]:
    """The posted annotations, and since when the hook is ordered: as long as it stays so, the same. For the registry.

    Args:
        posted: The hook as it is to be kept.
        current: The hook in the registry that it replaces.
    """
    annotations = {name: text for name, text in posted.metadata.annotations.items() if name != ORDERED_SINCE}
    if not posted.is_ordered:
        return annotations
    before = current.metadata.annotations.get(ORDERED_SINCE) if current and current.is_ordered else None
    return {**annotations, ORDERED_SINCE: before or cloudevent.now().isoformat()}


def of_others(annotations: Mapping[str, str]) -> Mapping[str, str]:
    """The annotations without our notes, which stand in the registry alone, and without kubectl's copy of the hook."""
    return {name: text for name, text in annotations.items() if not name.startswith(_OURS) and name != COPY}
