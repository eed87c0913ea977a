"""The Status objects by which the API refuses, in a real server's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import Kind, Object

ACCOUNT: Final = "system:serviceaccount:ops-system:ops-events"

_REASONS: Final = {
    "Required value": "FieldValueRequired",
    "Unsupported value": "FieldValueNotSupported",
    "Too long": "FieldValueTooLong",
    "Too many": "FieldValueTooMany",
    "Forbidden": "FieldValueForbidden",
}
_MODIFIED: Final = "the object has been modified; please apply your changes to the latest version and try again"
_CONTINUE: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class RefusedError(Exception):
    """A request that the API refuses, with the Status that says so."""

    def __init__(self, document: Object) -> None:
        super().__init__(document["message"])
        self.document = document


def failure(
    code: int, reason: str, message: str, details: Mapping[str, Any] | None = None, continued: str = ""
) -> Object:
    metadata = {"continue": continued} if continued else {}
    document: Object = {"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure"}
    document |= {"message": message} | ({"reason": reason} if reason else {})
    return document | ({} if details is None else {"details": dict(details)}) | {"code": int(code)}


def status(code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> web.Response:
    """A Status object, the API's form of every error."""
    return answer(failure(code, reason, message, details))


def answer(document: Object, code: int | None = None) -> web.Response:
    """The document; of a Status that fails, with its code."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    return respond(text, code or (document["code"] if document.get("status") == "Failure" else HTTPStatus.OK))


def respond(body: bytes, code: int = HTTPStatus.OK) -> web.Response:
    return web.Response(status=code, headers=headers(), body=body)


def headers() -> dict[str, str]:
    return {"Audit-Id": str(uuid4()), "Cache-Control": "no-cache, private", "Content-Type": "application/json"}


def no_such_path() -> Object:
    return failure(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource", {})


def wrong_method() -> Object:
    message = "the server does not allow this method on the requested resource"
    return failure(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message, {})


def unauthorized() -> Object:
    return failure(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def forbidden(kind: Kind, call: Call) -> Object:
    name = f' "{call.name}"' if call.name else ""
    resource = f"{kind.plural}/{call.subresource}" if call.subresource else kind.plural
    scope = f'in the namespace "{call.namespace}"' if call.namespace else "at the cluster scope"
    message = (
        f'{kind.resource}{name} is forbidden: User "{ACCOUNT}" cannot {call.verb} resource "{resource}" in API group'
        f' "{kind.group}" {scope}'
    )
    return failure(HTTPStatus.FORBIDDEN, "Forbidden", message, _details(kind, call.name))


def not_found(kind: Kind, name: str) -> Object:
    return failure(HTTPStatus.NOT_FOUND, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def already_exists(kind: Kind, name: str) -> Object:
    message = f'{kind.resource} "{name}" already exists'
    return failure(HTTPStatus.CONFLICT, "AlreadyExists", message, _details(kind, name))


def conflict(kind: Kind, name: str, why: str = _MODIFIED) -> Object:
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return failure(HTTPStatus.CONFLICT, "Conflict", message, _details(kind, name))


def invalid(kind: Kind, name: str, findings: Sequence[tuple[str, str]]) -> Object:
    """Findings are a field and what is wrong with it."""
    return _invalid(kind, kind.qualified, kind.kind, name, findings)


def unversioned(kind: Kind, name: str) -> Object:
    """A replacement has to say what it replaces."""
    finding = ("metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update")
    return _invalid(kind, kind.resource, kind.plural, name, [finding])


def _invalid(kind: Kind, type_: str, short: str, name: str, findings: Sequence[tuple[str, str]]) -> Object:
    causes = [{"reason": _reason(text), "message": text, "field": where} for where, text in findings]
    said = ", ".join(f"{where}: {text}" for where, text in findings)
    message = f'{type_} "{name}" is invalid: {said if len(findings) == 1 else f"[{said}]"}'
    details = _details(kind, name) | {"kind": short, "causes": causes}
    return failure(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, details)


def bad_request(message: str) -> Object:
    return failure(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unknown_format(accepted: Sequence[str]) -> Object:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return failure(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def expired(version: int, oldest: int) -> Object:
    return failure(HTTPStatus.GONE, "Expired", f"too old resource version: {version} ({oldest})")


def expired_list() -> Object:
    return failure(HTTPStatus.GONE, "Expired", "The resourceVersion for the provided list is too old.")


def expired_continue(continued: str) -> Object:
    return failure(HTTPStatus.GONE, "Expired", _CONTINUE, continued=continued)


def too_large(version: int, current: int) -> Object:
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    details = {"causes": causes, "retryAfterSeconds": 1}
    return failure(HTTPStatus.GATEWAY_TIMEOUT, "Timeout", message, details)


def deleted(kind: Kind, name: str, uid: str) -> Object:
    details = _details(kind, name) | {"uid": uid}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _reason(text: str) -> str:
    return next((reason for begins, reason in _REASONS.items() if text.startswith(begins)), "FieldValueInvalid")


def _details(kind: Kind, name: str) -> Object:
    return ({"name": name} if name else {}) | ({"group": kind.group} if kind.group else {}) | {"kind": kind.plural}
