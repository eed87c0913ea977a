"""Secrets are write-only: who changes a configuration that was read sends `***` back for them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_MASK: Final = "***"


def unmasked(given: Any, kept: Any) -> Any:
    """What was given, with the secret of the receiver of the same name and type in place of each `***`.

    Both are configurations as they are written. What there is no such secret for stays `***`, as `left` finds it.
    """
    receivers = given.get("receivers") if isinstance(given, Mapping) else None
    if not isinstance(receivers, list | tuple):
        return given
    before = {receiver["name"]: receiver["destination"] for receiver in (kept or {}).get("receivers", ())}
    return {**given, "receivers": [_whole(receiver, before) for receiver in receivers]}


def left(given: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each `***` in the place of a secret, and what is wrong with it."""
    receivers = given.get("receivers") if isinstance(given, Mapping) else None
    for number, receiver in enumerate(receivers if isinstance(receivers, list | tuple) else ()):
        destination = receiver.get("destination") if isinstance(receiver, Mapping) else None
        for name, value in destination.items() if isinstance(destination, Mapping) else ():
            if value == _MASK:
                path = ("receivers", number, "destination", str(name))
                yield path, "*** stands for no secret that is kept for this receiver: write it anew"


def _whole(receiver: Any, before: Mapping[str, Mapping[str, Any]]) -> Any:
    destination = receiver.get("destination") if isinstance(receiver, Mapping) else None
    if not isinstance(destination, Mapping) or _MASK not in destination.values():
        return receiver
    known = before.get(receiver.get("name", ""), {}) if isinstance(receiver.get("name"), str) else {}
    if not _is_same_place(destination, known):
        return receiver
    filled = {name: known.get(name, value) if value == _MASK else value for name, value in destination.items()}
    return {**receiver, "destination": filled}


def _is_same_place(given: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether nothing but what is masked may differ: else a secret could be sent elsewhere by who cannot read it."""
    return all(known.get(name) == value for name, value in given.items() if value != _MASK)
