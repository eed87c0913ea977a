"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Rounds, and what one round is."""

    rounds: int
    events: int
    warm: int  # events before the clock starts, where the program is not started anew
    steady_seconds: float


FULL = Scale(rounds=3, events=20_000, warm=2_000, steady_seconds=6)
QUICK = Scale(rounds=1, events=4_000, warm=500, steady_seconds=3)
