"""What a real API server 1.36 wrote, the double brought to where it could have written it, and smaller objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kubernetes import EVENTHOOKS, EVENTS, ApiServer, Kind

SAMPLES = Path(__file__).parents[2] / "data/kubernetes"

HOOKS = EVENTHOOKS.path("ns")
ONE = EVENTHOOKS.path("ns", "one")
STATUS = EVENTHOOKS.path("ns", "one", "status")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def put(api: ApiServer, kind: Kind, given: dict[str, Any]) -> None:
    """Put an object there under the version that it has."""
    advance(api, int(given["metadata"]["resourceVersion"]) - 1)
    api.create(kind, given)


def put_events(api: ApiServer) -> None:
    for event in sorted(sample("events-list.json")["items"], key=lambda item: int(item["metadata"]["resourceVersion"])):
        put(api, EVENTS, event)


def advance(api: ApiServer, version: int) -> None:
    while api.version < version:
        api.advance()


def host(name: str, namespace: str = "ns", **spec: object) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


def hook(name: str = "one", **spec: object) -> dict[str, Any]:
    return EVENTHOOKS.type | {"metadata": {"name": name}, "spec": {"type": "webhook", **spec}}
