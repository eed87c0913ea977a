"""Changes as text: a line each, the fields and the reasons indented below. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from streams.plan import Action, Change, Difference

SECONDS = frozenset({"max_age", "duplicate_window", "ack_wait", "inactive_threshold"})
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def lines(changes: Iterable[Change]) -> Iterator[str]:
    """The changes as they would be, or remain, to be done."""
    for change in changes:
        yield _headline(change)
        yield from (f"    {_difference(difference)}" for difference in change.differences)
        yield from (f"    because: {reason}" for reason in change.reasons)


def planned(changes: Sequence[Change]) -> str:
    """The last line of `plan`."""
    if not changes:
        return "Nothing to do: the server is as the code wants it."
    refused = sum(change.action is Action.REFUSE for change in changes)
    lossy = sum(change.loses_data and change.action is not Action.REFUSE for change in changes)
    return f"{len(changes) - refused - lossy} to apply, {lossy} only with --allow-loss, {refused} impossible."


def applied(made: Sequence[Change], remaining: Sequence[Change]) -> str:
    """The last line of `apply`."""
    if not made and not remaining:
        return "Nothing to do: the server is as the code wants it."
    return f"{len(made)} applied, {len(remaining)} remaining."


def _headline(change: Change) -> str:
    what = f"{change.kind} {change.name}"
    if change.action is Action.REFUSE:
        return f"! cannot {'create' if change.absent else 'change'} {what}"
    if change.loses_data:
        return f"! update {what} (loses data: only with --allow-loss)"
    return f"{'+' if change.absent else '~'} {change.action} {what}"


def _difference(difference: Difference) -> str:
    before, after = _value(difference.field, difference.before), _value(difference.field, difference.after)
    return f"{difference.field}: {before} -> {after}"


def _value(field: str, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(field, value)
    return str(value) or "none"


def _number(field: str, value: float) -> str:
    if math.isinf(value):
        return "unlimited"
    return duration(value) if field in SECONDS else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """In the largest unit that divides it, but days only from two on: 24 h stays 24 h."""
    for size, unit in UNITS:
        if seconds >= (2 * size if unit == "d" else size) and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:g} s"
