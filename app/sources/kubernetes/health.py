"""How a watch is: for /readyz and for the log, which hears of a trouble when it begins, changes and is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """How a watch is. Times are Unix seconds."""

    name: str
    live: bool  # what happens to the resource is told as it happens
    trouble: str  # why not; empty where all is well, and before the first answer of the API
    since: float  # when it became so
    heard: float  # when the API last told something of it, if only that there is nothing new; 0: never


class Health:
    """Keeps the state of one watch."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name = name
        self._clock = clock
        self._live = False
        self._trouble = ""
        self._told: set[str] = set()  # of the present trouble, what the log has heard
        self._since = clock()
        self._heard = 0.0

    @property
    def state(self) -> State:
        return State(self._name, self._live, self._trouble, self._since, self._heard)

    def heard(self) -> None:
        """The API has said something."""
        self._heard = self._clock()

    def stands(self) -> None:
        """The API has granted a watch. After a trouble that is not yet the end of it: see `well`."""
        if not self._trouble:
            self._become(live=True, trouble="")

    def well(self) -> None:
        """A watch has told something, or has lived for a while."""
        if self._trouble:
            log.info("%s are followed again", self._name, extra={"watch": self._name})
            self._told.clear()
        self._become(live=True, trouble="")

    def troubled(self, why: str) -> None:
        if why not in self._told:  # a server that comes and goes fails in several ways, again and again
            self._told.add(why)
            log.warning("%s are not followed: %s", self._name, why, extra={"watch": self._name})
        self._become(live=False, trouble=why)

    def _become(self, *, live: bool, trouble: str) -> None:
        if (live, trouble) != (self._live, self._trouble):
            self._live, self._trouble, self._since = live, trouble, self._clock()
