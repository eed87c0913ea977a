"""Which traces are recorded, by the standard variables OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG. Pure.

Decided where a trace begins or comes in, before anything is made for it: what is not recorded costs a look at a random
number. The SDK's own samplers are asked behind ids and contexts, which would cost the ingress a tenth of its speed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from app.events.trace_context import TraceContext

_RATIOS: Final = {"always_on": 1.0, "always_off": 0.0}
_BY_RATIO: Final = "traceidratio"
_BY_PARENT: Final = "parentbased_"
SAMPLERS: Final = tuple(prefix + name for prefix in ("", _BY_PARENT) for name in (*_RATIOS, _BY_RATIO))
_LOW: Final = 1 << 64  # what the ratio is taken of: the low half of a trace's id


@dataclass(frozen=True, slots=True)
class Sampling:
    """A ratio of all traces, or of those that nobody has decided about."""

    ratio: float = 1.0
    by_parent: bool = True  # who sends a context has decided

    def takes(self, parent: TraceContext | None) -> bool:
        """Whether to record what comes in with a context, or without any."""
        if parent is None:
            return random.random() < self.ratio  # noqa: S311 -- no secret
        if self.by_parent:
            return parent.is_sampled
        return int(parent.parent[19:35], 16) < self.bound

    @property
    def bound(self) -> int:
        """What the low half of a recorded trace's id is below, so that others decide alike by the id."""
        return round(self.ratio * _LOW)

    def trace_id(self) -> int:
        """An id for a trace that is recorded."""
        return (random.getrandbits(64) << 64) | (random.randrange(max(1, self.bound)) or 1)  # noqa: S311


def parse(sampler: str, argument: str) -> Sampling:
    """The sampling that the variables ask for.

    Raises:
        ValueError: they ask for none that there is.
    """
    by_parent, name = sampler.startswith(_BY_PARENT), sampler.removeprefix(_BY_PARENT)
    if name in _RATIOS:
        return Sampling(_RATIOS[name], by_parent)
    if name != _BY_RATIO:
        raise ValueError(f"there is no sampler {sampler!r}: use one of {', '.join(SAMPLERS)}")
    try:
        ratio = float(argument or 1)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ValueError(f"{sampler} takes a ratio from 0 to 1, not {argument!r}: set OTEL_TRACES_SAMPLER_ARG")
    return Sampling(ratio, by_parent)
