"""Custom resources and their copies, for the tests of how the one becomes the other."""

from __future__ import annotations

from typing import Any

from app.hooks.hook import Hook
from app.hooks.kubernetes.likeness import Copy, copy_of
from app.hooks.kubernetes.originals import Original, original_of

KEY = "ns.one"


def given(version: int = 1, *, name: str = "one", uid: str = "A", generation: int = 1, **spec: Any) -> dict[str, Any]:
    """An object as the API gives it."""
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": generation,
            "creationTimestamp": "2026-11-23T04:50:41Z",
        },
        "spec": {"type": "webhook", "subject": "ops.a", "url": "http://ops:hunter2@receiver.example/", **spec},
    }


def original(version: int = 1, **changes: Any) -> Original:
    return original_of(given(version, **changes))


def copy(version: int = 1, *, locked: str = "", **changes: Any) -> Copy:
    """What the registry holds of a custom resource at a version."""
    source = original(version, **changes)
    return Copy(copy_of(source, _valid(source), None), locked)


def made_over_http(**changes: Any) -> Copy:
    return Copy(_valid(original(**changes)))


def _valid(source: Original) -> Hook:
    assert source.hook is not None
    return source.hook
