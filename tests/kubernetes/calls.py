"""A request as the API reads it: the verb, what of which resource, and when it came.

Tests find in `ApiServer.calls` what was asked; `asking` makes the predicate that a fault is aimed by.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from tests.kubernetes.kinds import Kind

_RESOURCE: Final = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>v[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?/?"
)
_ONE: Final = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MANY: Final = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request. Of a path that names no resource, only the verb (the method in lower case) and the path are there."""

    verb: str  # get, list, watch, create, update, patch, delete, deletecollection; empty: the method fits nothing
    path: str
    resource: tuple[str, str, str] = ("", "", "")  # group, version, plural
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)

    def of(self, kind: Kind) -> bool:
        return self.resource == (kind.group, kind.version, kind.plural)


def read(request: web.Request) -> Call:
    query = dict(request.query)
    if (match := _RESOURCE.fullmatch(request.path)) is None:
        return Call(request.method.lower(), request.path, query=query, headers=request.headers)
    group, version, namespace, plural, name, subresource = match.groups("")
    verb, resource = _verb(request, name), (group, version, plural)
    return Call(verb, request.path, resource, namespace, name, subresource, query, request.headers)


def asking(verb: str, kind: Kind | None = None, subresource: str | None = None) -> Callable[[Call], bool]:
    """Whether a request has this verb (on this kind, this subresource)."""

    def matches(call: Call) -> bool:
        return (
            call.verb == verb
            and (kind is None or call.of(kind))
            and (subresource is None or call.subresource == subresource)
        )

    return matches


def is_true(value: str | None) -> bool:
    return (value or "").lower() in {"1", "true"}


def _verb(request: web.Request, name: str) -> str:
    if name:
        return _ONE.get(request.method, "")
    watches = request.method == "GET" and is_true(request.query.get("watch"))
    return "watch" if watches else _MANY.get(request.method, "")
