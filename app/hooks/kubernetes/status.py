"""What stands in the status of an EventHooks custom resource. Pure. `standing.py` asks, `reporter.py` writes it.

The condition `Ready` says whether the hook as it is written is in force and can deliver. A hook that an operator paused
is ready still, for it does what it was told; one that the program stopped (the endpoint answered 410, keywords that
take too long, secrets that cannot be read) is not, for somebody has to mend it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.delivery.ledger.figures import Figures
from app.hooks.kubernetes.likeness import Copy
from app.hooks.kubernetes.originals import Original
from app.hooks.pauses import By, Pause

Status = Mapping[str, Any]

_READY: Final = "Ready"
_CONDITIONS: Final = "conditions"
_OURS: Final = (
    "observedGeneration",
    "state",
    _CONDITIONS,
    "delivered",
    "failed",
    "deadLetters",
    "parked",
    "oldestPendingTime",
    "lastDeliveryTime",
    "lastErrorTime",
    "lastError",
)
_STOPPED: Final[Mapping[By, str]] = {
    "endpoint": "EndpointGone",
    "pattern": "KeywordsTooSlow",
    "secrets": "SecretsLocked",
}
_ERROR_BYTES: Final = 1024
_MESSAGE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a hook is ready, and why (not)."""

    status: Literal["True", "False"]
    reason: str
    message: str


def status_of(original: Original, copy: Copy | None, pause: Pause | None, figures: Figures, now: float) -> Status:
    """The whole status of a custom resource, as it is to be.

    Args:
        original: The custom resource, with the status that it has.
        copy: What the registry holds under its name.
        pause: The hook's pause, if it is paused.
        figures: What became of its deliveries.
        now: Unix seconds.
    """
    in_force = copy is not None and (copy.is_of(original) or original.hook is None)
    last = figures.last_error
    told = {
        "observedGeneration": original.generation,
        "state": ("active" if pause is None else "paused") if in_force else None,
        _CONDITIONS: _conditions(original, _condition(original, copy, pause), now),
        "delivered": figures.delivered,
        "failed": figures.failed,
        "deadLetters": figures.dead_letters,
        "parked": figures.parked,
        "oldestPendingTime": _time(figures.oldest),
        "lastDeliveryTime": _time(figures.delivered_at),
        "lastErrorTime": _time(last.at if last else None),
        "lastError": _cut(last.reason, _ERROR_BYTES) if last else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def is_in_force(original: Original, copy: Copy | None) -> bool:
    """Whether the registry holds a valid custom resource as it is now."""
    return copy is not None and copy.is_of(original) and copy.hook.metadata.generation == original.generation


def patch_of(current: Status, wanted: Status) -> Status | None:
    """The merge patch that makes one of the other, as far as it is ours; None where nothing differs."""
    changed = {name: wanted.get(name) for name in _OURS if current.get(name) != wanted.get(name)}
    return changed or None


def _condition(original: Original, copy: Copy | None, pause: Pause | None) -> Condition:
    if original.hook is None:
        return Condition("False", "Invalid", _cut(_what_is_wrong(original, copy), _MESSAGE_BYTES))
    if pause is None:
        return Condition("True", "InForce", f"generation {original.generation} is in force")
    if pause.by == "operator":
        return Condition("True", "Paused", _cut(f"paused by an operator: {pause.reason}", _MESSAGE_BYTES))
    return Condition("False", _STOPPED[pause.by], _cut(pause.reason, _MESSAGE_BYTES))


def _what_is_wrong(original: Original, copy: Copy | None) -> str:
    problems = "; ".join(f"{problem.field}: {problem.why}" for problem in original.problems)
    return f"{_meanwhile(original, copy)}; {problems}"


def _meanwhile(original: Original, copy: Copy | None) -> str:
    """What is in force while the custom resource is not valid."""
    if copy is None:
        return "nothing is in force"
    if copy.is_of(original):
        return f"generation {copy.hook.metadata.generation} stays in force"
    return "a hook of this name that was made over HTTP stays in force"


def _conditions(original: Original, ready: Condition, now: float) -> list[Any]:
    """The conditions that there are, with ours among them; its time moves only with what it says is so."""
    current = original.status.get(_CONDITIONS) or []
    before: Status = next((one for one in current if _is_ours(one)), {})
    moved = before.get("status") != ready.status or not before.get("lastTransitionTime")
    written = {
        "type": _READY,
        "status": ready.status,
        "reason": ready.reason,
        "message": ready.message,
        "observedGeneration": original.generation,
        "lastTransitionTime": _time(now) if moved else before["lastTransitionTime"],
    }
    return [*(one for one in current if not _is_ours(one)), written]


def _is_ours(condition: Any) -> bool:
    return isinstance(condition, Mapping) and condition.get("type") == _READY


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut(text: str, most: int) -> str:
    """As much of a text as fits into so many bytes."""
    encoded = text.encode("utf-8", "replace")
    return encoded.decode() if len(encoded) <= most else encoded[: most - 3].decode("utf-8", "ignore") + "…"
