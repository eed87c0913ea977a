"""The target that a path names, as delivery knows it; and how times are told of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final, Protocol

from starlette.requests import Request

from app.errors import NotFoundError

# Names of Kubernetes. A key becomes part of a subject, in which a wildcard would stand for other hooks.
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME: Final = 253
_RECEIVER: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?")


class Exists(Protocol):
    """Whether there is such a hook, as far as this process knows."""

    def __call__(self, namespace: str, name: str) -> bool: ...


class Paths(Protocol):
    """Which target a path names, by its key."""

    def key(self, request: Request) -> str:
        """Raises: NotFoundError: no target can have that name."""

    def check(self, request: Request) -> None:
        """Raises: NotFoundError: there is no such target."""


class HookPaths:
    """Paths below `namespaces/{namespace}/eventhooks/{name}`."""

    def __init__(self, exists: Exists) -> None:
        self._exists = exists

    def key(self, request: Request) -> str:
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        if not (_NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name) and len(name) <= _MAX_NAME):
            raise _no_hook(request)
        return f"hooks.{namespace}.{name}"

    def check(self, request: Request) -> None:
        if not self._exists(request.path_params["namespace"], request.path_params["name"]):
            raise _no_hook(request)


class ReceiverPaths:
    """Paths below `notifications/receivers/{receiver}`; `exists` says whether there is one of that name."""

    def __init__(self, exists: Callable[[str], bool]) -> None:
        self._exists = exists

    def key(self, request: Request) -> str:
        name = request.path_params["receiver"]
        if not _RECEIVER.fullmatch(name):
            raise NotFoundError(f"there is no receiver {name}")
        return f"notifications.default.{name}"

    def check(self, request: Request) -> None:
        name = request.path_params["receiver"]
        if not self._exists(name):
            raise NotFoundError(f"there is no receiver {name}")


class OnePath:
    """Paths that all name one target, which is always there."""

    def __init__(self, key: str) -> None:
        self._key = key

    def key(self, _: Request) -> str:
        return self._key

    def check(self, _: Request) -> None:
        """It is there."""


def _no_hook(request: Request) -> NotFoundError:
    names = request.path_params
    return NotFoundError(f"there is no hook {names['name']} in namespace {names['namespace']}")


def rfc3339(seconds: float) -> str:
    """A time in Unix seconds, to the millisecond, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
