"""The definition of EventHooks as an API server obeys it: what it prunes and defaults, and what it refuses.

`govern` makes the double of the API (`tests/kubernetes`) do so. The JSON schema is evaluated by jsonschema, the CEL
rules by Google's own library, which has Kubernetes' regular expressions too.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from cel_expr_python import cel  # type: ignore[import-untyped]  # it has annotations, and forgot to say so
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from tests.kubernetes import EVENTHOOKS, ApiServer

JSON = Mapping[str, Any]

CRD: Final[JSON] = yaml.safe_load((Path(__file__).parents[1] / "deploy/crds/eventhooks.yaml").read_text())
VERSION: Final[JSON] = CRD["spec"]["versions"][0]
SCHEMA: Final[JSON] = VERSION["schema"]["openAPIV3Schema"]

_RULES: Final = "x-kubernetes-validations"

_NOT_ALL: Final = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete"
    " validation"
)
_NOT_CHECKED: Final = ("<nil>", f'Invalid value: "null": {_NOT_ALL}')
_BLOCKING: Final = re.compile(r'Required|Unsupported|Too (long|many)|Invalid value: "\w+": \S+ in body must be of type')
_TYPES: Final = {dict: "object", list: "array", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_FORMATS: Final = FormatChecker(formats=())


def _nodes(schema: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _nodes(inner, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from _nodes(schema[keyword], f"{path}[]")


NODES: Final = dict(_nodes(SCHEMA))  # every part of the schema, by its path, such as `.spec.keywords.include[]`
OF_RULES: Final = [(path, rule) for path, schema in NODES.items() for rule in schema.get(_RULES, ())]


class _Finding(NamedTuple):
    node: tuple[str, ...]  # what is wrong; an item stands for its list
    field: str
    message: str


def govern(server: ApiServer) -> None:
    """Have a double keep and refuse EventHooks as a real server does."""
    server.admit = lambda kind, resource: dict(admitted(resource)) if kind == EVENTHOOKS else resource
    server.validate = lambda kind, resource: crd_problems(resource) if kind == EVENTHOOKS else []


def crd_problems(resource: JSON, before: JSON | None = None) -> list[tuple[str, str]]:
    """The causes for which an API server refuses a resource: each a field and a message.

    Args:
        resource: As it is sent.
        before: As it is kept; what was wrong already and is not touched is overlooked, as of Kubernetes 1.30.
    """
    written = admitted(resource)
    found = [_by_schema(error) for error in Draft202012Validator(SCHEMA, format_checker=_FORMATS).iter_errors(written)]
    found = [finding for finding in found if _is_new(finding, written, before)]
    if any(_BLOCKING.match(finding.message) for finding in found):
        return [*_told(found), _NOT_CHECKED]
    by_rules = _by_rules(SCHEMA, written, ())
    return _told([*found, *(finding for finding in by_rules if _is_new(finding, written, before))])


def admitted(resource: JSON) -> JSON:
    """A resource without unknown fields and nulls, and with defaults."""
    fields: JSON = _admitted(SCHEMA, resource)
    return fields


def _admitted(schema: JSON, value: Any) -> Any:
    if isinstance(value, list) and "items" in schema:
        return [_admitted(schema["items"], item) for item in value]
    if isinstance(value, Mapping) and "additionalProperties" in schema:
        return {name: _admitted(schema["additionalProperties"], field) for name, field in value.items()}
    if isinstance(value, Mapping) and "properties" in schema:
        known = {name: value[name] for name in schema["properties"] if value.get(name) is not None}
        defaults = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
        return {name: _admitted(schema["properties"][name], field) for name, field in {**defaults, **known}.items()}
    return value


def _told(findings: list[_Finding]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((finding.field, finding.message) for finding in findings))


def _is_new(finding: _Finding, resource: JSON, before: JSON | None) -> bool:
    return before is None or _at(finding.node, resource) != _at(finding.node, before)


def _at(node: tuple[str, ...], value: Any) -> Any:
    for name in node:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _by_schema(error: ValidationError) -> _Finding:
    path = list(error.absolute_path)
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    if error.validator == "required":
        missing = re.findall(r"'(.*?)' is a required property", error.message)[0]
        return _Finding(_node(path), f"{field}.{missing}".lstrip("."), "Required value")
    return _Finding(_node(path), field, _message(error, field))


def _node(path: list[str | int]) -> tuple[str, ...]:
    names: list[str] = []
    for part in path:
        if isinstance(part, int):
            break
        names.append(part)
    return tuple(names)


def _message(error: ValidationError, field: str) -> str:
    limit: Any = error.validator_value
    value: Any = error.instance
    match error.validator:
        case "type":
            kind = _TYPES.get(type(value), "string")
            why = f'Invalid value: "{kind}": {field} in body must be of type {limit}: "{kind}"'
        case "enum":
            why = f"Unsupported value: {_quoted(value)}: supported values: {', '.join(map(_quoted, limit))}"
        case "maxLength":
            why = f"Too long: may not be more than {limit} bytes"
        case "maxItems" | "maxProperties":
            why = f"Too many: {len(value)}: must have at most {limit} items"
        case "minLength":
            why = f"Invalid value: {_quoted(value)}: {field} in body should be at least {limit} chars long"
        case "minimum":
            why = f"Invalid value: {value}: {field} in body should be greater than or equal to {limit}"
        case "format":
            why = f"Invalid value: {_quoted(value)}: {field} in body must be of type {limit}: {_quoted(value)}"
        case other:
            raise NotImplementedError(other)
    return why


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@_FORMATS.checks("date-time")
def _is_a_time(value: object) -> bool:
    try:
        return not isinstance(value, str) or dt.datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _by_rules(schema: JSON, value: Any, path: tuple[str, ...]) -> Iterator[_Finding]:
    for rule in schema.get(_RULES, ()):
        if not holds(rule["rule"], value):
            field = ".".join(path) + _below(schema, rule.get("fieldPath", ""))
            yield _Finding(path, field, f'Invalid value: "{schema["type"]}": {rule["message"]}')
    if isinstance(value, Mapping):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from _by_rules(inner, value[name], (*path, name))


def _below(schema: JSON, path: str) -> str:
    """A rule's fieldPath as a server writes it: the key of a map stands in brackets."""
    _, _, rest = path.partition(".")
    name, dot, key = rest.partition(".")
    is_a_map = dot and "additionalProperties" in schema["properties"][name]
    return f".{name}[{key}]" if is_a_map else path


def holds(rule: str, value: Any) -> bool:
    """Whether a CEL rule holds for a value.

    Raises:
        ValueError: it ends in an error, which a server tells instead of the rule's message.
    """
    result = compiled(rule, of_text=isinstance(value, str)).eval(data={"self": _without_nul(value)})
    if result.type() != cel.Type.BOOL:
        raise ValueError(f"{rule}: {result.value()}")
    return bool(result.value())


def _without_nul(value: Any) -> Any:
    """The library's texts end at a NUL, a server's do not; to the rules another control character is the same."""
    if isinstance(value, Mapping):
        return {name: _without_nul(field) for name, field in value.items()}
    return value.replace("\0", "\1") if isinstance(value, str) else value


@lru_cache
def compiled(rule: str, *, of_text: bool) -> Any:
    """A rule, with its types checked as far as those of `self` are known here."""
    kind = cel.Type.STRING if of_text else cel.Type.DYN
    return cel.NewEnv(variables={"self": kind}).compile(rule)
