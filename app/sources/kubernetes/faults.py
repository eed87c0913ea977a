"""Why a list or a watch cannot go on, and what that means for the next try. `reading.py` finds, `watch.py` obeys.

UnavailableError
└── WatchError            wait, then go on where it ended
    ├── ForbiddenError        the same, more slowly: a right is missing
    ├── NotInstalledError     the API has no such resource: it may come
    └── ExpiredError          the API does not go back that far: list anew
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar, Final

from app.errors import UnavailableError
from app.sources.kubernetes.answers import Permission, Reply, refusal
from app.sources.kubernetes.backoff import FORBIDDEN, NOT_INSTALLED, ORDINARY, Schedule, asked
from app.sources.kubernetes.resource import Resource

# What the API says of a version that it has not reached: it was restored from a backup, say, or is another.
_NOT_REACHED: Final = b"Too large resource version"


class WatchError(UnavailableError):
    """A list or a watch cannot go on; `after` are the seconds to wait at least."""

    schedule: ClassVar[Schedule] = ORDINARY

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class ForbiddenError(WatchError):
    """This process may not."""

    schedule = FORBIDDEN


class NotInstalledError(WatchError):
    """The API has none of these resources."""

    schedule = NOT_INSTALLED

    def __init__(self, *resources: Resource) -> None:
        names, verb = " and ".join(map(str, resources)), "is" if len(resources) == 1 else "are"
        super().__init__(f"{names} {verb} not installed: looking again every few seconds")


class ExpiredError(WatchError):
    """The API does not have the version, or the page, that it was asked for."""


def fault(reply: Reply, resource: Resource, verb: str, version: str) -> WatchError:
    """What a refusal means to who has asked, from a version on if one is given."""
    if reply.status == HTTPStatus.NOT_FOUND:
        return NotInstalledError(resource)
    if version and _is_of_the_version(reply):
        return expired(resource, version, reply.status)
    return _refused(reply.status, resource.permission(verb), asked(reply.headers.get("Retry-After")))


def told_fault(status: Mapping[str, object], resource: Resource, version: str) -> WatchError:
    """The same of a Status that a watch tells of instead of a change."""
    code = status.get("code")
    if code == HTTPStatus.GONE or status.get("reason") in {"Expired", "Gone"}:
        return expired(resource, version, HTTPStatus.GONE)
    return _refused(code, resource.permission("watch"), 0.0) if isinstance(code, int) else no_api()


def expired(resource: Resource, version: str, status: int) -> ExpiredError:
    return ExpiredError(f"the Kubernetes API does not have {resource} as of version {version} ({status})")


def no_api() -> WatchError:
    return WatchError("what answered is no Kubernetes API")


def _is_of_the_version(reply: Reply) -> bool:
    match reply.status:
        case HTTPStatus.GONE | HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            return True
        case HTTPStatus.GATEWAY_TIMEOUT:
            return _NOT_REACHED in reply.body
    return False


def _refused(status: int, needed: Permission, after: float) -> WatchError:
    kind = ForbiddenError if status == HTTPStatus.FORBIDDEN else WatchError
    return kind(str(refusal(status, needed)), after)
