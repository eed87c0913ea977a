"""Payloads that are too large for NATS, made to fit: what is left out is said. Pure.

The followers call it for what JetStream would refuse: a TaskRun keeps everything that its steps have printed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final, TypeVar

from app.events.cloudevent import compact_json
from app.events.payloads import Payload

P = TypeVar("P", bound=Payload)

FITS: Final = 1_000_000  # bytes of a payload that NATS takes with the envelope around it, where it takes 1 MiB

# Characters that texts may have at most, tried in this order. Names and states are shorter than the last.
_LENGTHS: Final = tuple(1 << power for power in range(20, 7, -1))
_NOTE: Final = 40  # of them, for the note on what is gone


def shortened(payload: P, limit: int) -> P:
    """A payload whose JSON has at most `limit` bytes (some thousands), with as much of its texts as that allows.

    The longest texts are cut, which are what steps printed; they keep their end, for that is where errors stand, and
    say how many characters are gone. Where there are so many short ones that this does not help, lists and maps are
    left out.
    """
    if _fits(payload, limit):
        return payload
    whole = payload.model_dump(by_alias=True)
    enough = bisect_left(_LENGTHS, True, key=lambda length: _fits(_cut(whole, length), limit))
    if enough < len(_LENGTHS):
        return type(payload).model_validate(_cut(whole, _LENGTHS[enough]))
    bare = {name: value for name, value in whole.items() if not isinstance(value, dict | list)}
    return type(payload).model_validate(_cut(bare, _LENGTHS[-1]))


def _fits(value: object, limit: int) -> bool:
    return len(compact_json(value)) <= limit


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, dict):
        return {name: _cut(inner, length) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner, length) for inner in value]
    if isinstance(value, str) and len(value) > length:
        end = value[-(length - _NOTE) :]
        return f"[{len(value) - len(end)} characters left out]\n{end}"
    return value
