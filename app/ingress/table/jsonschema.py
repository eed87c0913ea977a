"""JSON schemas, written shortly: each field with its meaning and an example. The tables of schemas are made with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

JsonSchema = Mapping[str, Any]

REF: Final = "#/components/schemas/"


def field(kind: str | list[str], description: str, example: Any, **rules: Any) -> dict[str, Any]:
    """A field; of several kinds where it may be empty."""
    return {"type": kind, "description": description, "examples": [example], **rules}


def record(description: str, **fields: JsonSchema) -> dict[str, Any]:
    """An object that has all of its fields."""
    return {"type": "object", "description": description, "properties": fields, "required": list(fields)}


def extended(schema: JsonSchema, **fields: JsonSchema) -> dict[str, Any]:
    """The same object with more fields."""
    return {**schema, "properties": {**schema["properties"], **fields}, "required": [*schema["required"], *fields]}


def optional(schema: JsonSchema) -> dict[str, Any]:
    """The same object, which need not have any of its fields."""
    return {**schema, "required": []}


def closed(schema: JsonSchema) -> dict[str, Any]:
    """The same object, which takes no other fields."""
    return {**schema, "additionalProperties": False}


def one_field(schema: JsonSchema) -> dict[str, Any]:
    """The same object, which has exactly one of its fields."""
    return {**closed(optional(schema)), "minProperties": 1, "maxProperties": 1}


def or_null(schema: JsonSchema) -> dict[str, Any]:
    """The same object, or nothing."""
    return {**schema, "type": [schema["type"], "null"], "examples": [example_of(schema)]}


def page(what: str, order: str, name: str, example: Any) -> dict[str, Any]:
    """One page of a list of things that have a schema of their own, which is called `name`."""
    return record(
        f"One page of a list of {what}.",
        page_size=field("integer", "Most items on a page.", 10),
        page=field("integer", "Which page this is, from 1.", 1),
        list=field("array", f"The {what} of this page, {order}.", [example], items={"$ref": f"{REF}{name}"}),
        total=field("integer", "Items on all pages.", 1),
    )


def example_of(schema: JsonSchema) -> Any:
    """An example, where need be put together from those of the fields."""
    if "examples" in schema:
        return schema["examples"][0]
    return {name: example_of(part) for name, part in schema["properties"].items()}
