"""Where a tail starts, as its reader asks for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """With what comes from now on."""


@dataclass(frozen=True, slots=True)
class Since:
    """With what the stream has taken since a time."""

    time: float  # Unix seconds


@dataclass(frozen=True, slots=True)
class Behind:
    """With what follows a sequence of the stream."""

    sequence: int


Start = Now | Since | Behind
