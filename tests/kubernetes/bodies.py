"""What comes in with a write: JSON of the right content type, about the object that the path names.

Used by `writing.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from tests.kubernetes import statuses
from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import JSON, Kind, Object
from tests.kubernetes.statuses import RefusedError

_READ: Final = {  # by verb: what a server reads; this one reads the first
    "create": ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor"),
    "update": ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor"),
    "patch": ("application/merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml"),
    "delete": ("application/json",),
}


async def read_body(request: web.Request, call: Call) -> Object:
    """The body as JSON; of a deletion it may be missing.

    Raises:
        RefusedError: it is of another type, or no JSON object.
    """
    text = await request.read()
    if call.verb == "delete" and not text:
        return {}
    _check_type(request, _READ[call.verb])
    try:
        body: Any = json.loads(text)
    except ValueError as error:
        raise RefusedError(statuses.bad_request(f"the object provided is unrecognized: {error}")) from None
    if not isinstance(body, dict):
        raise RefusedError(statuses.bad_request("the object provided is unrecognized (must be of type JSON object)"))
    return body


def check_type(kind: Kind, given: JSON) -> None:
    """Raises: RefusedError: the object says that it is of another kind."""
    if (found := given.get("apiVersion", kind.api_version)) != kind.api_version:
        why = f"the API version in the data ({found}) does not match the expected API version ({kind.api_version})"
        raise RefusedError(statuses.bad_request(why))
    if (found := given.get("kind", kind.kind)) != kind.kind:
        raise RefusedError(statuses.bad_request(f'no kind "{found}" is registered for version "{kind.api_version}"'))


def check_place(call: Call, metadata: JSON) -> None:
    """Raises: RefusedError: the object is another than the path says."""
    if (metadata.get("namespace") or call.namespace) != call.namespace:
        why = "the namespace of the provided object does not match the namespace sent on the request"
        raise RefusedError(statuses.bad_request(why))
    if call.name and metadata.get("name") != call.name:
        why = f"the name of the object ({metadata.get('name', '')}) does not match the name on the URL ({call.name})"
        raise RefusedError(statuses.bad_request(why))


def name_in(kind: Kind, metadata: JSON) -> str:
    """The name that a new object is to have.

    Raises:
        RefusedError: it says none.
    """
    if name := metadata.get("name"):
        return str(name)
    if prefix := metadata.get("generateName"):
        return f"{prefix}{uuid4().hex[:5]}"
    finding = ("metadata.name", "Required value: name or generateName is required")
    raise RefusedError(statuses.invalid(kind, "", [finding]))


def _check_type(request: web.Request, read: Sequence[str]) -> None:
    sent = request.headers.get("Content-Type", read[0]).partition(";")[0].strip()
    if sent != read[0]:
        raise RefusedError(statuses.unknown_format(read))
