"""Who asks, and what they may do. `auth.py` finds out who it is; endpoints ask here before they act.

A right over subjects is a list of filters: it holds for a subject, or a filter, that one of them covers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from app.events import subject
from app.ingress.problems import ProblemError

_CALLER: Final = "ops.caller"  # keys of the ASGI scope
_STANDING: Final = "ops.standing"
_SHOWN: Final = 10  # filters of a right that a refusal shows


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in, and their rights."""

    name: str
    publish: tuple[str, ...]  # filters over subjects
    read: tuple[str, ...]  # filters over subjects
    hooks: tuple[str, ...]  # namespaces; `*`: all of them
    admin: bool = False  # has every right, whatever stands above

    def require_publish(self, destination: str) -> None:
        """Raise a ProblemError, 403, unless the caller may publish to a subject, or to all that a filter sees."""
        self._require(self.publish, destination, "publish to")

    def require_read(self, pattern: str) -> None:
        """Raise a ProblemError, 403, unless the caller may read all that a filter sees."""
        self._require(self.read, pattern, "read")

    def may_read(self, pattern: str) -> bool:
        """Whether the caller may read all that a filter sees."""
        return self._reaches(self.read, pattern)

    def require_hooks(self, namespace: str) -> None:
        """Raise a ProblemError, 403, unless the caller may manage the hooks of a namespace."""
        if not self.admin and namespace not in self.hooks and subject.ANY not in self.hooks:
            raise self._refusal(f"manage the hooks of the namespace {namespace}", self.hooks)

    def require_notifications(self) -> None:
        """Raise a ProblemError, 403, unless the caller may say who is told of what."""
        if not self.admin and subject.ANY not in self.hooks:
            raise self._refusal("manage notifications, for which it needs the hooks of every namespace (*)", self.hooks)

    def _require(self, granted: tuple[str, ...], wanted: str, what: str) -> None:
        if not self._reaches(granted, wanted):
            raise self._refusal(f"{what} {wanted}", granted)

    def _reaches(self, granted: tuple[str, ...], wanted: str) -> bool:
        return self.admin or any(subject.covers(pattern, wanted) for pattern in granted)

    def _refusal(self, what: str, granted: tuple[str, ...]) -> ProblemError:
        shown = ", ".join(granted[:_SHOWN]) + (", …" if granted[_SHOWN:] else "")
        instead = f"its right reaches {shown}" if granted else "it has no such right"
        return ProblemError(HTTPStatus.FORBIDDEN, f"the token {self.name} may not {what}: {instead}")


EVERYTHING: Final = Caller("SERVER_TOKEN", (subject.REST,), (subject.REST,), (subject.ANY,), admin=True)
LOCAL: Final = Caller("loopback", (subject.REST,), (subject.REST,), (subject.ANY,), admin=True)


Standing = Callable[[Scope], Callable[[], Caller | None]]


def admit(scope: Scope, caller: Caller, standing: Standing) -> None:
    """Note who asks; `standing` is to tell for the scope who that is at a later time, None once they are nobody."""
    scope[_CALLER], scope[_STANDING] = caller, standing


def caller(request: Request) -> Caller:
    """Who asks."""
    found: Caller = request.scope[_CALLER]
    return found


def still_reads(request: Request, pattern: str) -> Callable[[], bool]:
    """Tells, whenever it is asked, whether who asked may still read all that a filter sees."""
    standing: Standing = request.scope[_STANDING]
    now = standing(request.scope)

    def still() -> bool:
        found = now()
        return found is not None and found.may_read(pattern)

    return still
