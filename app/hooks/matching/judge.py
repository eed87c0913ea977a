"""Asking hooks in threads whether they want an event: what may take long, within a bound.

Called by whoever matches (`subscribe.py`) or asks again (`targets.py`), for what `wanting.py` leaves open. A hook whose
keywords take too long rests, and is undecided meanwhile; when that keeps happening it trips, and is to be paused.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from math import inf
from typing import Final

from app.delivery.delivery import Received
from app.events import canary
from app.hooks.matching.fuse import OVERRUNS, WITHIN
from app.hooks.matching.index import candidates
from app.hooks.matching.match import CompiledHook, Keyword, Verdict
from app.hooks.matching.pattern import TIMEOUT, Pattern
from app.hooks.matching.text import Text
from app.hooks.matching.wanting import Found, wanting

log = logging.getLogger(__name__)

PATIENCE: Final = 1.0  # seconds for all of an event's open hooks, waiting for a thread included
LONGEST: Final = 1e9  # nanoseconds that one search may take at worst; a text for which it might take more is undecided
THREADS: Final = 2  # of their own: names are resolved in the threads that everybody shares

_ADVICE: Final = "write it without nested repetition"

OnTrip = Callable[[str, str], None]  # told a target's key and why its hook should be paused; on the event loop


class Judge:
    """Asks hooks in threads of its own."""

    def __init__(self, on_trip: OnTrip = lambda _target, _reason: None) -> None:
        self._on_trip = on_trip
        self._threads = ThreadPoolExecutor(THREADS, "keywords")

    async def wants(self, hook: CompiledHook, received: Received) -> Verdict:
        """Whether one hook wants an event on its subject; no hook wants a canary."""
        if canary.is_one(received.subject):
            return False
        found = await self.decide(wanting(candidates([hook]), received))
        return True if found.wanted else None if found.undecided else False

    async def decide(self, found: Found) -> Found:
        """Ask the open hooks; those that give no answer within `PATIENCE` are undecided."""
        if found.text is None or not found.open:
            return found
        # Who took long before does not hold up the others.
        hooks = sorted(found.open, key=lambda hook: hook.fuse.strained)
        found.open.clear()
        session = _Session(found.text, time.monotonic() + PATIENCE, self._trip_from_thread(), [])
        answer = asyncio.get_running_loop().run_in_executor(self._threads, session.ask, hooks)
        answered, _ = await asyncio.wait({answer}, timeout=PATIENCE)
        if answered:
            answer.result()  # raises what is a fault of ours
        else:
            answer.cancel()
        for hook, verdict in zip_longest(hooks, tuple(session.verdicts)):
            found.put(hook, verdict)
        return found

    def close(self) -> None:
        """Begin nothing any more; a search that is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _trip_from_thread(self) -> OnTrip:
        loop = asyncio.get_running_loop()

        def trip(target: str, reason: str) -> None:
            loop.call_soon_threadsafe(self._on_trip, target, reason)

        return trip


@dataclass(frozen=True, slots=True)
class _Session:
    """One event's open hooks, asked one after the other in a thread."""

    text: Text
    deadline: float  # of `time.monotonic`
    trip: OnTrip
    verdicts: list[Verdict]  # as far as there are, for whoever does not wait for the last

    def ask(self, hooks: Sequence[CompiledHook]) -> None:
        for hook in hooks:
            self.verdicts.append(hook.verdict(_Trial(self, hook)))


class _Trial:
    """Looks for the keywords of one hook, in a thread; after one that takes too long it leaves the others open."""

    def __init__(self, session: _Session, hook: CompiledHook) -> None:
        self._session = session
        self._hook = hook
        self._over = hook.fuse.rests(time.monotonic())

    def __call__(self, keyword: Keyword) -> Verdict:
        pattern, text = keyword.pattern, self._session.text
        left = self._session.deadline - time.monotonic()
        if self._over or left < TIMEOUT or LONGEST < pattern.cost * len(text) < inf:
            return None
        began = time.thread_time()
        verdict = _searched(pattern, text)
        if verdict is None or time.thread_time() - began > TIMEOUT:
            self._overrun(keyword)
        return verdict

    def _overrun(self, keyword: Keyword) -> None:
        self._over = True
        target = self._hook.target.key
        log.warning(
            "the keyword %s of %s takes too long and rests: %s",
            keyword.place,
            target,
            _ADVICE,
            extra={"target": target},
        )
        if self._hook.fuse.overrun(time.monotonic()):
            within = f"at {OVERRUNS} events within {WITHIN / 60:.0f} minutes"
            self._session.trip(target, f"the keyword {keyword.place} took more than {TIMEOUT} s {within}: {_ADVICE}")


def _searched(pattern: Pattern, text: Text) -> Verdict:
    try:
        return pattern.search(text)
    except (TimeoutError, MemoryError):  # `regex` remembers where it may go back to
        return None
