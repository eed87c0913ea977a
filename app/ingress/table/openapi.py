"""The OpenAPI document, made from the table of operations. Pure; `documents.py` serves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from app.ingress.table.examples import (
    BODIES,
    HEADER_EXAMPLES,
    PATH_PARAMETERS,
    PROBLEM_HEADERS,
    PROBLEMS,
    STORED_HOOK,
    TAGS,
)
from app.ingress.table.jsonschema import REF, JsonSchema, example_of, field, record
from app.ingress.table.operations import Operation, Query
from app.ingress.table.schemas import SCHEMAS

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
# Answers that are no JSON; all others come in the envelope.
_MEDIA: Final = {"Text": "text/plain", "EventStream": "text/event-stream"}
EVERYWHERE: Final = (
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
UNDER_API: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")  # Starlette's {name} and {name:convertor}


def document(operations: Sequence[Operation], schemas: Mapping[str, JsonSchema], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a table of operations.

    `schemas` are JSON schemas by the names that the rows use, beyond those that stand here; pydantic's `$defs` are
    taken apart.

    Raises:
        KeyError: a row names a schema, a path parameter, a header or a status that is described nowhere.
    """
    named = _components({**SCHEMAS, **schemas})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ops events over HTTP", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/", "description": "The server that this document came from."}],
        "tags": [{"name": name, "description": described} for name, described in dict.fromkeys(map(_tag, operations))],
        "paths": _paths(operations, named),
        "components": {
            "securitySchemes": {_BEARER: {"type": "http", "scheme": "bearer", "description": "A token of the server."}},
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
        moved["$ref"] = ref.replace("#/$defs/", f"{REF}{root}")
    return moved


def _paths(operations: Iterable[Operation], schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for row in operations:
        paths.setdefault(_PARAMETER.sub(r"{\1}", row.path), {})[row.method.lower()] = _operation(row, schemas)
    return paths


def _tag(row: Operation) -> tuple[str, str]:
    """The group that an operation is shown in, and what it is about; groups stand in the order of the table."""
    return next(tag for part, tag in TAGS.items() if part in row.path)


def _operation(row: Operation, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    problems = {str(status.value): {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in _all(row)}
    success = {str(row.success.value): _success(row.answer, schemas)}
    return {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [_tag(row)[0]],
        "parameters": [*_path_parameters(row), *map(_query_parameter, row.query), *_header_parameters(row)],
        **({"requestBody": _body(row, schemas)} if media_of(row) else {}),
        "responses": {**success, **dict(sorted(problems.items()))},
        **({"security": [{_BEARER: []}]} if row.path.startswith(_GUARDED) else {}),
    }


def _all(row: Operation) -> set[HTTPStatus]:
    return {*row.problems, *EVERYWHERE, *(UNDER_API if row.path.startswith(_GUARDED) else ())}


def _path_parameters(row: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        | dict(zip(("description", "example"), PATH_PARAMETERS[name], strict=True))
        for name in _PARAMETER.findall(row.path)
    ]


def _query_parameter(query: Query) -> dict[str, Any]:
    """A parameter; where it is there and empty, it counts as left out."""
    shown = {"name": query.name, "in": "query", "description": query.description, "schema": dict(query.schema)}
    return {**shown, "allowEmptyValue": True}


def _header_parameters(row: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        | {"example": HEADER_EXAMPLES[name]}
        for name, description in (row.headers or {}).items()
    ]


def media_of(row: Operation) -> Mapping[str, str]:
    """The names of the schemas of a row's bodies, by media type."""
    return row.media or ({"application/json": row.body} if row.body else {})


def _body(row: Operation, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    names = media_of(row)
    description = " ".join(schemas[name]["description"] for name in names.values())
    content = {media: _content(name, schemas) for media, name in names.items()}
    return {"description": description, "required": row.body_required, "content": content}


def _content(name: str, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    examples = {title: {"value": value} for title, value in BODIES[name].items()}
    return {"schema": _reference(name, schemas), "examples": examples}


def _success(name: str, schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    schema, example = _reference(name, schemas), STORED_HOOK if name == "Hook" else example_of(schemas[name])
    if name in _MEDIA:
        content = {_MEDIA[name]: {"schema": schema, "example": example}}
    else:
        whole = {"code": 0, "message": "success", "data": example}
        content = {"application/json": {"schema": _envelope(schema), "example": whole}}
    return {"description": schemas[name]["description"], "content": content}


def _envelope(data: JsonSchema) -> dict[str, Any]:
    return record(
        "A success.",
        code=field("integer", "Always 0 in a success.", 0, const=0),
        message=field("string", "Always success.", "success", const="success"),
        data=data,
    )


def _reference(name: str, schemas: Mapping[str, JsonSchema]) -> dict[str, str]:
    if name not in schemas:
        raise KeyError(f"an operation names the schema {name}, which nobody gives")
    return {"$ref": f"{REF}{name}"}


def _problem_name(status: HTTPStatus) -> str:
    return f"Problem{status.value}"


def _problem(status: HTTPStatus) -> dict[str, Any]:
    description, message = PROBLEMS[status]
    media = {"schema": {"$ref": f"{REF}Problem"}, "example": {"code": -1, "message": message}}
    answer: dict[str, Any] = {"description": description, "content": {"application/json": media}}
    if status in PROBLEM_HEADERS:
        header, meaning, schema = PROBLEM_HEADERS[status]
        answer["headers"] = {header: {"description": meaning, "schema": schema}}
    return answer
