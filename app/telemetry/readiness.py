"""Whether the process is ready, and if not, why."""

from __future__ import annotations

from collections.abc import Callable

# Each check answers with what is missing, or with nothing where all is well.
Check = Callable[[], str | None]


class Readiness:
    """Asks the checks anew each time: nothing here can be out of date."""

    def __init__(self, **checks: Check) -> None:
        self._checks = checks

    def missing(self) -> dict[str, str]:
        """What keeps the process from being ready, by component."""
        asked = ((name, check()) for name, check in self._checks.items())
        return {name: why for name, why in asked if why is not None}
