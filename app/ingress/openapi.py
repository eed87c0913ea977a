"""The OpenAPI document, made from the table of operations. Pure; `documents.py` serves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from app.events import payloads
from app.ingress.operations import Operation, Query

JsonSchema = Mapping[str, Any]

_DESCRIPTION: Final = """\
Publish events, keep hooks, see how the process is. What events there are and how to subscribe to them stands in
[the AsyncAPI document](/docs/asyncapi).

Every answer under `/api` is JSON: `{"code": 0, "message": "success", "data": …}` with a 2xx status, or
`{"code": -1, "message": "what is wrong and how to mend it"}` with the true status of the error. A path that is not
listed here answers 404 in that form, and a method that is not listed 405 with the header `Allow`.

Everything under `/api` wants `Authorization: Bearer TOKEN`. Where the server has no token, it serves clients on its own
machine only, and answers others 403.
"""

_GUARDED: Final = "/api/"
_BEARER: Final = "serverToken"
_REF: Final = "#/components/schemas/"
_MEDIA: Final = {"Text": "text/plain"}  # answers that are no JSON; all others come in the envelope
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")  # Starlette's {name} and {name:convertor}

# The first of these that a path contains is its tag.
_TAGS: Final = {
    "/events": ("Events", "Events in."),
    "/eventhooks": ("Hooks", "Which events are delivered, and where to."),
    "": ("Process", "How the process is. No token is needed."),
}

# Parameters in paths: what they stand for, and an example.
_PATH_PARAMETERS: Final = {
    "namespace": ("The namespace that the event or the hook belongs to.", "ops-system"),
    "name": ("The hook's name.", "pod-errors"),
    "event": (
        (
            "Where the event goes. `ops.…` is the whole subject, untouched; `nodes.{nodeName}.{observation}` is about a"
            " node of this cluster, whose name may hold dots; anything else is put below the namespace, as"
            " `ops.clusters.{cluster}.namespaces.{namespace}.{event}`."
        ),
        "alerts.disk",
    ),
}
_HEADER_EXAMPLES: Final = {"Idempotency-Key": "disk-node-a-2026-11-23T04:50"}

# What each status means, and a message as it is sent.
_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: ("The body, a parameter or the subject is malformed.", "page is 'x': use a whole number"),
    HTTPStatus.UNAUTHORIZED: ("The token is missing or wrong.", "send the header Authorization: Bearer TOKEN"),
    HTTPStatus.FORBIDDEN: (
        "The server has no token.",
        "only clients on loopback are served: set SERVER_TOKEN",
    ),
    HTTPStatus.NOT_FOUND: ("There is no such thing.", "there is no hook pod-errors in namespace ops-system"),
    HTTPStatus.CONFLICT: (
        "It exists already, or has changed since it was read.",
        "a hook pod-errors exists already: replace it with PUT",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The body is too large.", "the body is larger than 1048576 bytes: send less"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("The body is compressed.", "send the body without Content-Encoding"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "The resource breaks a rule; the message names each field and why.",
        "spec.url: is not of the form http://host/path or https://host/path",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("A fault of the server.", "a fault of ours: it stands in the log"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("JetStream is away or not ready: try again.", "NATS is not connected"),
}
_PROBLEM_HEADERS: Final = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "The scheme to use.", {"type": "string", "examples": ["Bearer"]}),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "Seconds to wait.", {"type": "integer", "examples": [1]}),
}

_HOOK: Final[Mapping[str, Any]] = {
    "apiVersion": "crd.chenshaowen.com/v1",
    "kind": "EventHooks",
    "metadata": {"name": "pod-errors", "namespace": "ops-system"},
    "spec": {
        "type": "webhook",
        "subject": "ops.clusters.*.namespaces.*.pods.*.events",
        "url": "https://example.com/hook",
        "keywords": {"include": ["BackOff"], "exclude": ["healthcheck"], "matchMode": "ANY", "matchType": "CONTAINS"},
        "additional": " text appended to the readable text",
        "options": {},
    },
}
_STORED: Final = {
    "labels": {},
    "annotations": {},
    "uid": "0b8f5a52-1f0c-4f0e-9f52-6f1d5f7f7a11",
    "generation": 1,
    "creationTimestamp": "2026-11-23T04:50:41Z",
    "resourceVersion": "7",
}
_STORED_HOOK: Final = {**_HOOK, "metadata": {**_HOOK["metadata"], **_STORED}}
_REPORT: Final = {"host": "node-a", "kind": "disk", "threshold": "80%", "operator": ">", "value": "91%"}

# What may be posted, each with a name.
_BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Hook": {"webhook": _HOOK},
    "Custom": {
        "any object": {"message": "deployed", "version": "1.4.2"},
        "a text to pass on": {"type": "Webhook", "content": "disk is full on node-a"},
        "a finding": {"type": "TaskRunReport", **_REPORT, "status": "alerting"},
    },
}


def _field(kind: str, description: str, example: Any, **rules: Any) -> dict[str, Any]:
    return {"type": kind, "description": description, "examples": [example], **rules}


def _object(description: str, **fields: JsonSchema) -> dict[str, Any]:
    return {"type": "object", "description": description, "properties": fields, "required": list(fields)}


_SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "Custom": payloads.Custom.model_json_schema(),
    "Stored": _object(
        "The event is kept: JetStream has acknowledged it.",
        id=_field("string", "The event's id.", "5d9a3d6e-7a4f-5a53-9f2e-0c1b7a1c2d3e"),
        subject=_field("string", "Its subject.", "ops.clusters.default.namespaces.ops-system.alerts.disk"),
        stream=_field("string", "The stream that keeps it.", "ops"),
        sequence=_field("integer", "Its place in the stream.", 4711),
        duplicate=_field("boolean", "It was there already: this was a repeat.", False),
    ),
    "HookPage": _object(
        "One page of a list of hooks.",
        page_size=_field("integer", "Most items on a page.", 10),
        page=_field("integer", "Which page this is, from 1.", 1),
        list=_field("array", "The hooks of this page, by name.", [_STORED_HOOK], items={"$ref": f"{_REF}Hook"}),
        total=_field("integer", "Items on all pages.", 1),
    ),
    "Nothing": _field("null", "It is done; there is nothing to tell.", None),
    "Health": _object("The process is well.", status=_field("string", "How.", "ready", enum=["alive", "ready"])),
    "Text": _field("string", "Metrics in Prometheus' text format.", "# TYPE ops_events_stored_total counter\n"),
    "Problem": _object(
        "What is wrong.",
        code=_field("integer", "Always -1 in an error.", -1, const=-1),
        message=_field("string", "What is wrong and how to mend it.", "the body is not JSON"),
    ),
}


def document(operations: Sequence[Operation], schemas: Mapping[str, JsonSchema], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a table of operations.

    `schemas` are JSON schemas by the names that the rows use, beyond those that stand here; pydantic's `$defs` are
    taken apart.

    Raises:
        KeyError: a row names a schema, a path parameter, a header or a status that is described nowhere.
    """
    named = _components({**_SCHEMAS, **schemas})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ops events over HTTP", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/", "description": "The server that this document came from."}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.values()],
        "paths": _paths(operations, named),
        "components": {
            "securitySchemes": {
                _BEARER: {"type": "http", "scheme": "bearer", "description": "The value of SERVER_TOKEN."}
            },
            "responses": {_problem_name(status): _problem(status) for status in _used(operations)},
            "schemas": named,
        },
    }


def _used(operations: Iterable[Operation]) -> list[HTTPStatus]:
    return sorted({status for row in operations for status in _all(row)})


def _components(schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    return {name: part for root, schema in schemas.items() for name, part in _taken_apart(root, schema)}


def _taken_apart(root: str, schema: JsonSchema) -> Iterable[tuple[str, JsonSchema]]:
    """A schema and its `$defs`, each under a name of its own that begins with the root's."""
    yield root, {**_moved(schema, root), "title": root}
    for name, part in schema.get("$defs", {}).items():
        yield f"{root}{name}", {**_moved(part, root), "title": f"{root}{name}"}


def _moved(node: Any, root: str) -> Any:
    if isinstance(node, list):
        return [_moved(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    moved = {key: _moved(value, root) for key, value in node.items() if key != "$defs"}
    if isinstance(ref := moved.get("$ref"), str):
        moved["$ref"] = ref.replace("#/$defs/", f"{_REF}{root}")
    return moved


def _paths(operations: Iterable[Operation], schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for row in operations:
        paths.setdefault(_PARAMETER.sub(r"{\1}", row.path), {})[row.method.lower()] = _operation(row, schemas)
    return paths


def _operation(row: Operation, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    problems = {str(status.value): {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in _all(row)}
    success = {str(row.success.value): _success(row.answer, schemas)}
    return {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [next(name for part, (name, _) in _TAGS.items() if part in row.path)],
        "parameters": [*_path_parameters(row), *map(_query_parameter, row.query), *_header_parameters(row)],
        **({"requestBody": _body(row.body, schemas)} if row.body else {}),
        "responses": {**success, **dict(sorted(problems.items()))},
        **({"security": [{_BEARER: []}]} if row.path.startswith(_GUARDED) else {}),
    }


def _all(row: Operation) -> set[HTTPStatus]:
    guard = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} if row.path.startswith(_GUARDED) else set()
    return {*row.problems, *guard, HTTPStatus.INTERNAL_SERVER_ERROR}


def _path_parameters(row: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        | dict(zip(("description", "example"), _PATH_PARAMETERS[name], strict=True))
        for name in _PARAMETER.findall(row.path)
    ]


def _query_parameter(query: Query) -> dict[str, Any]:
    return {"name": query.name, "in": "query", "description": query.description, "schema": dict(query.schema)}


def _header_parameters(row: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        | {"example": _HEADER_EXAMPLES[name]}
        for name, description in (row.headers or {}).items()
    ]


def _body(name: str, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    examples = {title: {"value": value} for title, value in _BODIES[name].items()}
    media = {"schema": _reference(name, schemas), "examples": examples}
    return {"description": schemas[name]["description"], "required": True, "content": {"application/json": media}}


def _success(name: str, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    schema, example = _reference(name, schemas), _STORED_HOOK if name == "Hook" else _example(schemas[name])
    if name in _MEDIA:
        content = {_MEDIA[name]: {"schema": schema, "example": example}}
    else:
        whole = {"code": 0, "message": "success", "data": example}
        content = {"application/json": {"schema": _envelope(schema), "example": whole}}
    return {"description": schemas[name]["description"], "content": content}


def _example(schema: JsonSchema) -> Any:
    if "examples" in schema:
        return schema["examples"][0]
    return {name: _example(field) for name, field in schema["properties"].items()}


def _envelope(data: JsonSchema) -> dict[str, Any]:
    return _object(
        "A success.",
        code=_field("integer", "Always 0 in a success.", 0, const=0),
        message=_field("string", "Always success.", "success", const="success"),
        data=data,
    )


def _reference(name: str, schemas: Mapping[str, JsonSchema]) -> dict[str, str]:
    if name not in schemas:
        raise KeyError(f"an operation names the schema {name}, which nobody gives")
    return {"$ref": f"{_REF}{name}"}


def _problem_name(status: HTTPStatus) -> str:
    return f"Problem{status.value}"


def _problem(status: HTTPStatus) -> dict[str, Any]:
    description, message = _PROBLEMS[status]
    media = {"schema": {"$ref": f"{_REF}Problem"}, "example": {"code": -1, "message": message}}
    answer: dict[str, Any] = {"description": description, "content": {"application/json": media}}
    if status in _PROBLEM_HEADERS:
        header, meaning, schema = _PROBLEM_HEADERS[status]
        answer["headers"] = {header: {"description": meaning, "schema": schema}}
    return answer
