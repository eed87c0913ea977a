"""The figures, and the table that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import truediv
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, a value a round, beside what it is compared with."""

    name: str
    unit: str
    ours: Sequence[float]
    floor: Sequence[float] = ()
    at_least: float | None = None  # aim: of the floor
    no_more_than: float | None = None  # aim: of the floor
    at_most: float | None = None  # aim: in the unit of the figure

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios: what disturbs the machine for a while disturbs both halves of a round."""
        return median(map(truediv, self.ours, self.floor)) if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.at_least is not None and self.ratio is not None:
            return self.ratio >= self.at_least
        if self.no_more_than is not None and self.ratio is not None:
            return self.ratio <= self.no_more_than
        return median(self.ours) <= self.at_most if self.at_most is not None else None

    def row(self) -> tuple[str, ...]:
        verdict = {True: "ok", False: "below", None: ""}[self.met]
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.name, _values(self.ours), _values(self.floor), self.unit, ratio, self._aim(), verdict)

    def _aim(self) -> str:
        if self.at_least is not None:
            return f"ratio >= {self.at_least:g}"
        if self.no_more_than is not None:
            return f"ratio <= {self.no_more_than:g}"
        return f"<= {self.at_most:g} {self.unit}" if self.at_most is not None else ""


_TITLE = ("figure", "ours", "floor", "unit", "ratio", "aim", "")


def table(figures: Iterable[Figure]) -> str:
    """Medians, each with half the range of its rounds."""
    rows = [_TITLE, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLE))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _values(values: Sequence[float]) -> str:
    if not values:
        return ""
    middle = median(values)
    shown = f"{middle:,.0f}" if middle >= 100 else f"{middle:.1f}"
    spread = (max(values) - min(values)) / 2 / middle if middle else 0
    return f"{shown} ± {spread:.0%}" if len(values) > 1 else shown
