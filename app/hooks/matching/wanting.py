"""Which hooks want an event, as far as that can be told on the event loop without holding it up.

Called by the matcher (`subscribe.py`) for every event that a hook sees. Keywords with lookaround, and any where the
text is so long that they might take too long, stay open; `judge.py` asks them in threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from app.delivery.delivery import Received
from app.hooks.matching.index import Candidates
from app.hooks.matching.match import CompiledHook, Keyword, Verdict
from app.hooks.matching.text import Text

AT_ONCE: Final = 15_000_000  # nanoseconds on the event loop for one event; what has begun by then adds 25 ms at worst
_SHORTEST: Final = 64  # bytes; a search takes no less time for a shorter text


@dataclass(slots=True)
class Found:
    """What is known of the hooks that see an event. Those that do not want it are left out."""

    text: Text | None  # None: nobody had to read it
    wanted: list[CompiledHook]
    undecided: list[CompiledHook] = field(default_factory=list)  # may want it: to be kept and asked again
    open: list[CompiledHook] = field(default_factory=list)  # to be asked in a thread

    def put(self, hook: CompiledHook, verdict: Verdict) -> None:
        if verdict is None:
            self.undecided.append(hook)
        elif verdict:
            self.wanted.append(hook)


def wanting(seen_by: Candidates, received: Received) -> Found:
    """The hooks among the candidates that want an event, as far as that can be told at once."""
    if not seen_by.quick and not seen_by.slow:
        return Found(None, list(seen_by.always))
    until = time.perf_counter_ns() + AT_ONCE
    text = Text(received.text)
    found = Found(text, list(seen_by.always))
    at_once = max(len(text), _SHORTEST) * seen_by.cost <= AT_ONCE
    careful: list[CompiledHook] = []
    for group in seen_by.quick:
        if time.perf_counter_ns() < until and not group.gate(text):
            continue
        if at_once:
            found.wanted += [hook for wants, hook in group.hooks if wants(text)]
        else:
            careful += [hook for _, hook in group.hooks]
    careful += seen_by.slow
    if careful:
        _ask_carefully(careful, found, _AtOnce(text, until))
    return found


def _ask_carefully(hooks: Iterable[CompiledHook], found: Found, find: _AtOnce) -> None:
    """Ask hooks as far as the time on the event loop reaches; who rests is undecided, the others stay open."""
    for hook in hooks:
        verdict = None if find.is_over else hook.verdict(find)
        if verdict is None and not hook.fuse.rests(time.monotonic()):
            found.open.append(hook)
        else:
            found.put(hook, verdict)


@dataclass(frozen=True, slots=True)
class _AtOnce:
    """Looks for keywords on the event loop, where even the worst leaves it free in time."""

    text: Text
    until: int  # of `time.perf_counter_ns`

    @property
    def is_over(self) -> bool:
        return time.perf_counter_ns() > self.until

    def __call__(self, keyword: Keyword) -> Verdict:
        if keyword.pattern.cost * len(self.text) > self.until - time.perf_counter_ns():
            return None
        return keyword.pattern.search(self.text)
