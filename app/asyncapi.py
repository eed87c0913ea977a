"""The AsyncAPI document: FastStream's own, completed with what the catalog knows and FastStream does not say.

Served at `/docs/asyncapi` and written by `faststream docs gen app.main:app`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from faststream.specification.asyncapi import AsyncAPI
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from app.events import subject
from app.events.catalog import CATALOG, DEFAULT_TYPE, FIELDS, EventType
from app.events.cloudevent import CONTENT_TYPE, JSON_TYPE, SOURCE, deterministic_id
from streams.ops import DUPLICATE_WINDOW_SECONDS, MAX_AGE_SECONDS
from streams.subjects import OPS

JsonSchema = Mapping[str, Any]

_DESCRIPTION: Final = f"""\
Every event is a CloudEvent 1.0 in structured JSON (`{CONTENT_TYPE}`), one a NATS message.
The JetStream stream `{OPS}` keeps it for {MAX_AGE_SECONDS / 3600:.0f} hours.

### Subscribe

Make a durable pull consumer on the stream `{OPS}` with the subjects you want, and acknowledge what you have dealt with:
it keeps your place while you are away, and brings back what you did not acknowledge.

```
nats consumer add {OPS} audit --pull --ack explicit --deliver new --filter 'ops.clusters.*.nodes.*.events' --defaults
nats consumer next {OPS} audit --count 10
```

In a filter `*` stands for one token and a last `>` for the rest:

| filter | what it sees |
| --- | --- |
| `ops.>` | everything |
| `ops.clusters.*.namespaces.*.pods.*.events` | Kubernetes events of pods |
| `ops.clusters.*.namespaces.*.*.*.events` | Kubernetes events of every object in a namespace |
| `ops.clusters.*.nodes.*.events` | Kubernetes events of nodes |
| `ops.clusters.*.namespaces.*.hosts.*.status` | the status of hosts |
| `ops.notifications.>` | notifications |

### What to rely on

- Delivery is at least once. A repeat has the same `id`: take that as the key of what you have done. The server itself
  drops a second message with the same `Nats-Msg-Id` within {DUPLICATE_WINDOW_SECONDS:.0f} seconds.
- One name is one token of a subject. A `.` in a name is written `_`; a literal `_` or `%`, white space, `*`, `>` and
  control characters are percent-encoded.
- Fields may be added to `data`, and extension attributes to the envelope: ignore what you do not know.
- Other programs publish to `ops.>` too: be ready for a message that is no CloudEvent.
"""

_TIME: Final = "2026-11-23T04:50:41Z"

# A name for each field of a subject template, as it is before it is written there; and where a channel needs another.
_NAMES: Final = {
    "cluster": "default",
    "namespace": "ops-system",
    "resource_type": "pods",
    "name": "web-0",
    "node": "ip-10-0-0-1.ec2.internal",
    "host": "node-a",
    "cluster_resource": "production",
    "task": "check-disk",
    "taskrun": "check-disk-x7k2p",
    "pipeline": "nightly",
    "pipelinerun": "nightly-4mq9d",
    "observation": "events",
    "event": "alerts",
    "provider": "ksyun",
    "channel": "webhook",
    "severity": "error",
}
_NAMES_OF: Final[Mapping[str, Mapping[str, str]]] = {
    "Controller": {"resource_type": "hosts"},
    "KubeClusterScoped": {"resource_type": "persistentvolumes", "name": "pv-0001"},
    "TaskRunReport": {"event": "hosts.node-a.findings"},
    "Custom": {"event": "deployed"},
}

_SECURITY: Final = {
    "userPassword": {
        "type": "userPassword",
        "description": "A NATS user and its password. A server that asks for nothing, such as the embedded one on"
        " loopback, needs neither this nor the next.",
    },
    "credentialsFile": {
        "type": "asymmetricEncryption",
        "description": "A NATS creds file: a user's JWT and the NKey that signs the server's challenge.",
    },
}

_HEADERS: Final = {
    "type": "object",
    "title": "Headers",
    "description": "The NATS headers of an event.",
    "required": ["Content-Type", "Nats-Msg-Id"],
    "properties": {
        "Content-Type": {"type": "string", "const": CONTENT_TYPE, "description": "The event is in the payload."},
        "Nats-Msg-Id": {"type": "string", "description": "The event's id, by which the server drops repeats."},
    },
}

_GENERIC = re.compile(r"CloudEvent\[(\w+)\]")
_REF: Final = "#/components/schemas/"


class EventCatalog(AsyncAPI):
    """FastStream's factory of the document.

    It describes the rows of the catalog that have a publisher on the broker, titled with the row's `channel`, and
    nothing else: what the program reads for itself is no promise to others. Two calls give the same document.
    """

    def __init__(self, *, title: str, version: str) -> None:
        super().__init__(title=title, version=version, description=_DESCRIPTION, contact={"name": "Ops", "url": SOURCE})

    def to_specification(self) -> ApplicationSchema:
        return ApplicationSchema.model_validate(complete(super().to_specification().to_jsonable()))


def complete(generated: Mapping[str, Any]) -> dict[str, Any]:
    """FastStream's document with parameters, examples, security and readable names, in a stable order."""
    channels, components = generated["channels"], generated["components"]
    rows = [row for row in CATALOG if row.channel in channels]
    schemas = _schemas(rows, components.get("schemas", {}))
    return {
        **generated,
        "defaultContentType": CONTENT_TYPE,
        "servers": {_server_name(name): _server(server) for name, server in generated["servers"].items()},
        "channels": {row.channel: _channel(row) for row in rows},
        "operations": {f"publish{row.channel}": _operation(row) for row in rows},
        "components": {
            "messages": {row.channel: _message(row, schemas) for row in rows},
            "schemas": schemas,
            "securitySchemes": _SECURITY,
        },
    }


def _server_name(generated: str) -> str:
    return "nats" if generated == "development" else generated


def _server(generated: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: generated[key] for key in ("protocol", "description") if generated.get(key)}
    return {
        "host": generated["host"].rpartition("@")[2],  # a user and a password are nobody else's business
        "pathname": generated["pathname"] or "/",
        **kept,
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


def _channel(row: EventType[Any]) -> dict[str, Any]:
    return {
        "title": row.channel,
        "address": row.subject,
        "description": f"{row.description} Filter: `{subject.as_filter(row.subject)}`.",
        "messages": {row.channel: {"$ref": f"#/components/messages/{row.channel}"}},
        "parameters": {field: _parameter(row, field) for field in subject.fields(row.subject)},
    }


def _parameter(row: EventType[Any], field: str) -> dict[str, Any]:
    closed = {"enum": list(subject.OBSERVATIONS)} if field == "observation" else {}
    return {"description": FIELDS[field], "examples": [subject.written(field, _names(row)[field])], **closed}


def _operation(row: EventType[Any]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{row.channel}"},
        "messages": [{"$ref": f"#/channels/{row.channel}/messages/{row.channel}"}],
    }


def _message(row: EventType[Any], schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    event = example(row, schemas)
    headers = {"Content-Type": CONTENT_TYPE, "Nats-Msg-Id": event["id"]}
    return {
        "name": row.channel,
        "title": f"{row.channel} event",
        "summary": row.description,
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": f"{_REF}Headers"},
        "payload": {"$ref": f"{_REF}{_event_name(row)}"},
        "examples": [{"name": row.channel, "summary": row.description, "headers": headers, "payload": event}],
    }


def example(row: EventType[Any], schemas: Mapping[str, JsonSchema]) -> dict[str, Any]:
    """An event of a row, always the same one."""
    names = _names(row)
    return {
        "specversion": "1.0",
        "id": deterministic_id("example", row.channel),
        "source": SOURCE,
        "type": row.ce_type,
        "subject": subject.fill(row.subject, names),
        "time": _TIME,
        "datacontenttype": JSON_TYPE,
        "cluster": names["cluster"],
        "data": _sample(schemas[row.payload.__name__], schemas),
    }


def _names(row: EventType[Any]) -> Mapping[str, str]:
    return {**_NAMES, **_NAMES_OF.get(row.channel, {})}


def _sample(schema: JsonSchema, schemas: Mapping[str, JsonSchema]) -> Any:
    """A value of a schema, made from the examples of its fields; None where there is none."""
    if "$ref" in schema:
        return _sample(schemas[schema["$ref"].removeprefix(_REF)], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "properties" in schema:
        fields = {name: _sample(field, schemas) for name, field in schema["properties"].items()}
        return {name: value for name, value in fields.items() if value is not None}
    if schema.get("type") == "array":
        return [_sample(schema["items"], schemas)]
    return _TIME if schema.get("format") == "date-time" else None


def _schemas(rows: Sequence[EventType[Any]], generated: Mapping[str, JsonSchema]) -> dict[str, Any]:
    """Payloads and events by readable names, sorted: FastStream keeps its publishers in a set."""
    named = {_readable(name): {"title": _readable(name), **_tidy(schema)} for name, schema in generated.items()}
    events = {_event_name(row): _event(row, named[_event_name(row)]) for row in rows}
    return dict(sorted({**named, **events, "Headers": _HEADERS}.items()))


def _event_name(row: EventType[Any]) -> str:
    return f"{row.payload.__name__}Event"


def _event(row: EventType[Any], envelope: JsonSchema) -> dict[str, Any]:
    properties = dict(envelope["properties"])
    if row.ce_type != DEFAULT_TYPE:  # custom events name their type themselves
        properties["type"] = {**properties["type"], "const": row.ce_type}
    return {
        **envelope,
        "description": f"A CloudEvent whose data is a {row.payload.__name__}.",
        "properties": properties,
        # Those that the CloudEvents specification wants, which readers may take for granted.
        "required": ["specversion", "id", "source", "type"],
    }


def _readable(name: str) -> str:
    """`CloudEvent[Host]`, also where it is percent-encoded in a reference, is `HostEvent` to people."""
    return _GENERIC.sub(r"\1Event", unquote(name))


def _tidy(schema: JsonSchema) -> dict[str, Any]:
    """What is sent, without the noise of how it is read: names that repeat the field's, nulls that are left out."""
    tidy = {key: value for key, value in schema.items() if key not in {"title", "anyOf"}}
    if tidy.get("default") is None or isinstance(tidy["default"], dict):
        tidy.pop("default", None)
    choices = [_tidy(choice) for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) > 1:
        tidy["anyOf"] = choices
    elif choices:
        tidy = {**choices[0], **tidy}
    return {key: _tidy_part(key, value) for key, value in tidy.items()}


def _tidy_part(key: str, value: Any) -> Any:
    match key, value:
        case "$ref", str():
            return _readable(value)
        case "properties", dict():
            return {name: _tidy(field) for name, field in value.items()}
        case "items" | "additionalProperties", dict():
            return _tidy(value)
        case _:
            return value
