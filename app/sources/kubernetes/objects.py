"""Single objects of a resource: list, get, create, replace, delete, and the patching of their status.

`main` hands one of these, for EventHooks, to `hooks/`, whose protocol `HookObjects` says what each method is for. What
the API refuses becomes an error of `app.errors` here, which says how to mend it.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from app.errors import ConflictError, FieldProblem, InvalidResourceError, NotFoundError, OpsError, UnavailableError
from app.sources.kubernetes.answers import Permission, Reply, refusal
from app.sources.kubernetes.causes import problems_in
from app.sources.kubernetes.change import Object
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.fields import items, table, text
from app.sources.kubernetes.resource import Resource

_PAGE: Final = 500  # objects
_LISTS: Final = 3  # that are begun, before a list that the API keeps forgetting is given up
_MERGE_PATCH: Final = "application/merge-patch+json"

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_INVALID: Final = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}


class KubernetesObjects:
    """The objects of a namespaced resource; where that is of one namespace, only those.

    Every method raises UnavailableError where the API is away, has no such resource, or does not let this process.
    """

    def __init__(self, connection: Connection, resource: Resource) -> None:
        self._connection = connection
        self._resource = resource

    async def list(self, namespace: str) -> list[Object]:
        """The objects of a namespace, or (empty) of all that this process watches."""
        if namespace and not self._serves(namespace):
            return []
        scope = self._resource.within(namespace or self._resource.namespace)
        for _ in range(_LISTS):
            if (found := await self._pages(scope)) is not None:
                return found
        raise UnavailableError(f"the Kubernetes API forgets a list of {scope} while it is read: try again")

    async def get(self, namespace: str, name: str) -> Object:
        """Raises: NotFoundError."""
        scope = self._scope(namespace, name)
        return _taken(await self._connection.get(f"{scope.path}/{name}"), "get", scope, name)

    async def create(self, namespace: str, resource: Object) -> Object:
        """Make an object; returns it as it is kept.

        Raises:
            ConflictError: there is one of that name.
            InvalidResourceError: it breaks a rule of the API; names the fields, and shows no value.
        """
        if not self._serves(namespace):
            raise InvalidResourceError([FieldProblem("metadata.namespace", self._not_served(namespace))])
        scope = self._resource.within(namespace)
        name = text(table(resource.get("metadata")).get("name")) or ""
        return _taken(await self._connection.send("POST", scope.path, resource), "create", scope, name)

    async def replace(self, namespace: str, name: str, resource: Object) -> Object:
        """Put an object in the place of the one at its metadata.resourceVersion; returns it as it is kept.

        Raises:
            NotFoundError: there is none.
            ConflictError: it was changed since that version.
            InvalidResourceError: it breaks a rule of the API; names the fields, and shows no value.
        """
        scope = self._scope(namespace, name)
        return _taken(await self._connection.send("PUT", f"{scope.path}/{name}", resource), "update", scope, name)

    async def delete(self, namespace: str, name: str) -> None:
        """Raises: NotFoundError."""
        scope = self._scope(namespace, name)
        _taken(await self._connection.send("DELETE", f"{scope.path}/{name}"), "delete", scope, name)

    async def patch_status(self, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        """Put these fields into its status, and leave the others; None takes a field away.

        Raises:
            NotFoundError: there is none.
            InvalidResourceError: the status breaks a rule of the API, or the object does that one before
                Kubernetes 1.30, which does not overlook what it has kept already.
        """
        scope = self._scope(namespace, name)
        reply = await self._connection.send("PATCH", f"{scope.path}/{name}/status", {"status": status}, _MERGE_PATCH)
        _taken(reply, "patch", scope, name, "status")

    async def _pages(self, scope: Resource) -> builtins.list[Object] | None:
        """The whole list; None where the API has forgotten it between two pages."""
        found: builtins.list[Object] = []
        token = ""
        while True:
            query = {"limit": str(_PAGE), **({"continue": token} if token else {})}
            reply = await self._connection.get(f"{scope.path}?{urlencode(query)}")
            if token and reply.status == HTTPStatus.GONE:
                return None
            page = _taken(reply, "list", scope)
            found += items(page.get("items"))
            if not (token := text(table(page.get("metadata")).get("continue")) or ""):
                return found

    def _scope(self, namespace: str, name: str) -> Resource:
        if not self._serves(namespace):
            raise NotFoundError(self._not_served(namespace))
        if not _NAME.fullmatch(name):
            raise NotFoundError(f"{name!r} names nothing: names are lower-case letters, digits, - and .")
        return self._resource.within(namespace)

    def _serves(self, namespace: str) -> bool:
        """Whether it is a namespace, and one that is watched; a path is made of it."""
        return bool(_NAMESPACE.fullmatch(namespace)) and self._resource.namespace in {"", namespace}

    def _not_served(self, namespace: str) -> str:
        if self._resource.namespace:
            return f"only the namespace {self._resource.namespace} is served (ACTIVE_NAMESPACE), not {namespace!r}"
        return f"{namespace!r} is no namespace: lower-case letters, digits and -, at most 63"


def _taken(reply: Reply, verb: str, scope: Resource, name: str = "", subresource: str = "") -> Object:
    """What the API answered to what it did."""
    document = _object_in(reply.body)
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        needed = scope.permission(verb)
        raise _refused(reply.status, document, _of(needed, subresource), scope, name)
    if not isinstance(document.get("kind"), str):
        raise UnavailableError("what answered is no Kubernetes API: look at the address in its configuration")
    return document


def _of(needed: Permission, subresource: str) -> Permission:
    return needed._replace(resource=f"{needed.resource}/{subresource}") if subresource else needed


def _refused(status: int, document: Mapping[str, Any], needed: Permission, scope: Resource, name: str) -> OpsError:
    which = f"{scope.plural} {name}"
    if status == HTTPStatus.NOT_FOUND:
        return _missing(document, scope, which)
    if status == HTTPStatus.CONFLICT and document.get("reason") == "AlreadyExists":
        return ConflictError(f"{which} exists already in namespace {scope.namespace}: replace it")
    if status == HTTPStatus.CONFLICT:
        return ConflictError(f"{which} was changed since it was read: read it again, then replace it")
    if status in _INVALID or (status == HTTPStatus.FORBIDDEN and not _is_for_rights(document, needed)):
        return InvalidResourceError(problems_in(document))
    return refusal(status, needed)


def _missing(document: Mapping[str, Any], scope: Resource, which: str) -> OpsError:
    """What is missing: the object, its namespace, or the definition of the resource."""
    kind = table(document.get("details")).get("kind")
    if kind == "namespaces":
        return InvalidResourceError([FieldProblem("metadata.namespace", f"there is no namespace {scope.namespace}")])
    if kind == scope.plural:
        return NotFoundError(f"there is no {which} in namespace {scope.namespace}")
    return UnavailableError(f"the Kubernetes API has no {scope}: kubectl apply -k deploy/crds/")


def _is_for_rights(document: Mapping[str, Any], needed: Permission) -> bool:
    """Whether a right is missing; else a policy, a quota or the end of the namespace forbids what was asked."""
    return f"cannot {needed.verb} resource" in (text(document.get("message")) or f"cannot {needed.verb} resource")


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        return table(json.loads(body))
    except ValueError:
        return {}
