"""What writes objects: POST, PUT, PATCH (merge) and DELETE, with the server's own rules about who may set what.

What a test puts there itself goes past these rules, straight into the store.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web

from tests.kubernetes import statuses
from tests.kubernetes.bodies import check_place, check_type, name_in, read_body
from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import JSON, Kind, Object
from tests.kubernetes.objects import managed, shown
from tests.kubernetes.statuses import RefusedError, respond
from tests.kubernetes.store import Revision, Store

Admit = Callable[[Kind, Object], Object]
Validate = Callable[[Kind, Object], list[tuple[str, str]]]

_SERVERS: Final = {"uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp", "managedFields"}


class Checks(Protocol):
    """What a test has set to look at objects before they are kept."""

    admit: Admit | None
    validate: Validate | None


class Writing:
    """Writes, as far as the checks let them through."""

    def __init__(self, store: Store, checks: Checks) -> None:
        self._store = store
        self._checks = checks

    async def answer(self, kind: Kind, request: web.Request, call: Call) -> web.Response:
        """Do what is asked of one object.

        Raises:
            RefusedError: it cannot be done.
        """
        if call.query.get("dryRun"):
            raise RefusedError(statuses.bad_request("this double has no dry run"))
        body = await read_body(request, call)  # and from here on nobody comes between
        if call.verb == "create":
            return respond(self._create(kind, call, body), HTTPStatus.CREATED)
        if call.verb == "delete":
            return self._delete(kind, call, body)
        return respond(self._update(kind, call, body) if call.verb == "update" else self._patch(kind, call, body))

    def current(self, kind: Kind, call: Call) -> Revision:
        """Raises: RefusedError: there is no such object."""
        if (current := self._store.find(kind, call.namespace, call.name)) is None:
            raise RefusedError(statuses.not_found(kind, call.name))
        return current

    def _create(self, kind: Kind, call: Call, given: Object) -> bytes:
        metadata = given.get("metadata") or {}
        check_type(kind, given)
        check_place(call, metadata)
        if metadata.get("resourceVersion"):
            raise RefusedError(statuses.bad_request("resourceVersion should not be set on objects to be created"))
        name = name_in(kind, metadata)
        if self._store.find(kind, call.namespace, name) is not None:
            raise RefusedError(statuses.already_exists(kind, name))
        kept = {field: value for field, value in metadata.items() if field not in _SERVERS}
        content = _without_status(given) if kind.custom else given
        return self._put(kind, call, content | {"metadata": kept | {"name": name}})

    def _update(self, kind: Kind, call: Call, given: Object) -> bytes:
        metadata = given.get("metadata") or {}
        check_type(kind, given)
        check_place(call, metadata)
        current = self.current(kind, call)
        if kind.custom and not metadata.get("resourceVersion"):
            raise RefusedError(statuses.unversioned(kind, call.name))
        return self._replace(kind, call, current, given | {"metadata": metadata})

    def _patch(self, kind: Kind, call: Call, patch: Object) -> bytes:
        current = self.current(kind, call)
        patched = merged(shown(kind, current.stored), patch)
        check_type(kind, patched)
        check_place(call, patched["metadata"])
        return self._replace(kind, call, current, patched)

    def _delete(self, kind: Kind, call: Call, options: JSON) -> web.Response:
        current = self.current(kind, call)
        metadata = current.stored["metadata"]
        for field, wanted in (options.get("preconditions") or {}).items():
            if wanted not in {None, metadata[field]}:
                why = f"the {field} in the precondition ({wanted}) does not match the {field} in record"
                raise RefusedError(statuses.conflict(kind, call.name, f"{why} ({metadata[field]})"))
        self._store.remove(kind, current)
        if (marked := self._store.find(kind, call.namespace, call.name)) is not None:
            return respond(marked.text(kind) + b"\n")  # finalizers have to look first
        return statuses.answer(statuses.deleted(kind, call.name, metadata["uid"]))

    def _replace(self, kind: Kind, call: Call, current: Revision, given: Object) -> bytes:
        before = shown(kind, current.stored)
        _check_precondition(kind, call, before["metadata"], given["metadata"])
        if call.subresource:  # which has only the status
            return self._put(kind, call, _without_status(before) | _status(given))
        if kind.custom:
            return self._put(kind, call, _without_status(given) | _status(before))
        return self._put(kind, call, given)

    def _put(self, kind: Kind, call: Call, written: Object) -> bytes:
        if self._checks.admit is not None:
            written = dict(self._checks.admit(kind, written))
        if self._checks.validate is not None and (findings := self._checks.validate(kind, written)):
            raise RefusedError(statuses.invalid(kind, written["metadata"]["name"], findings))
        metadata = written["metadata"] | {"namespace": call.namespace, "managedFields": _managers(kind, call, written)}
        return self._store.put(kind, written | {"metadata": metadata}).text(kind) + b"\n"


def merged(target: JSON, patch: JSON) -> Object:
    """RFC 7396."""
    result = {name: value for name, value in target.items() if name not in patch or patch[name] is not None}
    for name, value in patch.items():
        if isinstance(value, dict):
            inner = result.get(name)
            result[name] = merged(inner if isinstance(inner, dict) else {}, value)
        elif value is not None:
            result[name] = value
    return result


def _check_precondition(kind: Kind, call: Call, before: JSON, given: JSON) -> None:
    if (given.get("uid") or before["uid"]) != before["uid"]:
        why = f"Precondition failed: UID in precondition: {given['uid']}, UID in object meta: {before['uid']}"
        raise RefusedError(statuses.conflict(kind, call.name, why))
    if (given.get("resourceVersion") or before["resourceVersion"]) != before["resourceVersion"]:
        raise RefusedError(statuses.conflict(kind, call.name))


def _status(given: JSON) -> Object:
    return {"status": given["status"]} if "status" in given else {}


def _without_status(given: JSON) -> Object:
    return {field: value for field, value in given.items() if field != "status"}


def _managers(kind: Kind, call: Call, written: JSON) -> list[Object]:
    """Who wrote it, with this write last."""
    manager = call.query.get("fieldManager") or call.headers.get("User-Agent", "unknown").partition("/")[0]
    content = _without_status(written) if kind.custom else dict(written)
    entry = managed(manager, kind, _status(written) if call.subresource else content, call.subresource)
    before: list[Object] = written["metadata"].get("managedFields") or []
    return [*(other for other in before if _writer(other) != _writer(entry)), entry]


def _writer(entry: JSON) -> tuple[str, str]:
    return entry.get("manager", ""), entry.get("subresource", "")
