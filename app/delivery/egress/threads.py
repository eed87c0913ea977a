"""Egress for libraries that connect by themselves, in threads of their own: judged at the socket, like everything else.

Python tells audit hooks of every name that is about to be resolved, every address that is about to be connected, and
every program that is about to be run; where a hook raises, it does not happen. Ours looks at those threads only that
are held to a policy. A hook stays until the process ends, so it comes with the first use.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from app.delivery.egress.policy import ALLOW, ForbiddenAddressError, Policy

_RESOLVES: Final = "socket.getaddrinfo"
_CONNECTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_RUNS: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})


class Watch:
    """What a thread that is held has tried."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._host = ""  # that was resolved last: the next address is one of its
        self.forbidden: ForbiddenAddressError | None = None  # the first one

    def judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raises: ForbiddenAddressError: the policy forbids it."""
        try:
            self._judge(event, arguments)
        except ForbiddenAddressError as error:
            self.forbidden = self.forbidden or error
            raise

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == _RESOLVES:
            self._host = _text(arguments[0])
            self._policy.check_host(self._host)
        elif event in _CONNECTS and arguments[1] is not None:  # else it was connected before
            address = arguments[1]
            self._policy.check(_text(address[0]) if isinstance(address, tuple) else "a local socket", self._host)
        elif event in _RUNS:
            raise ForbiddenAddressError("a program", "nothing is run here", ALLOW)


_held = threading.local()


@contextmanager
def held_to(policy: Policy) -> Iterator[Watch]:
    """Hold the running thread to a policy."""
    _install()
    _held.watch = watch = Watch(policy)
    try:
        yield watch
    finally:
        _held.watch = None


@lru_cache(maxsize=1)
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == _RESOLVES or event in _CONNECTS or event in _RUNS:
        watch: Watch | None = getattr(_held, "watch", None)
        if watch is not None:
            watch.judge(event, arguments)


def _text(given: Any) -> str:
    return given.decode("ascii", "replace") if isinstance(given, bytes) else str(given or "")
