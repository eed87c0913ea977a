"""The hook that a path names, as delivery knows it; and how times are told of it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, Protocol

from starlette.requests import Request

from app.errors import NotFoundError

# Names of Kubernetes. A key becomes part of a subject, in which a wildcard would stand for other hooks.
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME: Final = 253


class Exists(Protocol):
    """Whether there is such a hook, as far as this process knows."""

    def __call__(self, namespace: str, name: str) -> bool: ...


def key_of(request: Request) -> str:
    """The key of the target in a path below `namespaces/{namespace}/eventhooks/{name}`.

    Raises:
        NotFoundError: no hook can have that name.
    """
    namespace, name = request.path_params["namespace"], request.path_params["name"]
    if not (_NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name) and len(name) <= _MAX_NAME):
        raise unknown(request)
    return f"hooks.{namespace}.{name}"


def check(request: Request, exists: Exists) -> None:
    """Raises: NotFoundError: there is no such hook."""
    if not exists(request.path_params["namespace"], request.path_params["name"]):
        raise unknown(request)


def unknown(request: Request) -> NotFoundError:
    names = request.path_params
    return NotFoundError(f"there is no hook {names['name']} in namespace {names['namespace']}")


def rfc3339(seconds: float) -> str:
    """A time in Unix seconds, to the millisecond, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
