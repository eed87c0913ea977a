"""EventHooks resources for the tests of hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.delivery.delivery import Received
from app.errors import InvalidResourceError
from app.events.cloudevent import CloudEvent
from app.hooks.hook import Hook, parse
from app.hooks.matching.index import Candidates, SubjectIndex
from app.hooks.matching.match import CompiledHook, compile_hook

NAMESPACE = "ops-system"


def resource(**spec: Any) -> dict[str, Any]:
    """The contract's example, with changes to its spec."""
    return {
        "apiVersion": "crd.chenshaowen.com/v1",
        "kind": "EventHooks",
        "metadata": {"name": "pod-errors", "namespace": NAMESPACE},
        "spec": {
            "type": "webhook",
            "subject": "ops.clusters.*.namespaces.*.pods.*.events",
            "url": "https://example.com/hook",
            "keywords": {
                "include": ["BackOff", "Evicted"],
                "exclude": ["healthcheck"],
                "matchMode": "ANY",
                "matchType": "CONTAINS",
            },
            "additional": " text appended to the readable text",
            "options": {},
            **spec,
        },
    }


def is_refused(given: Mapping[str, Any]) -> bool:
    """Whether a resource breaks a rule."""
    try:
        parse(given, NAMESPACE)
    except InvalidResourceError:
        return True
    return False


def hook(subject: str = "ops.>", name: str = "h", **keywords: Any) -> Hook:
    spec = {"type": "webhook", "subject": subject, "url": "http://receiver.example/", "keywords": keywords}
    return parse({"metadata": {"name": name}, "spec": spec}, NAMESPACE)


def compiled(subject: str = "ops.>", name: str = "h", **keywords: Any) -> CompiledHook:
    return compile_hook(hook(subject, name, **keywords))


def found_by(index: SubjectIndex, subject: str) -> list[CompiledHook]:
    """Every hook whose filter sees a subject, whatever it takes to know whether it wants an event."""
    candidates = index.find(subject)
    return [*candidates.always, *quick(candidates), *candidates.slow]


def quick(candidates: Candidates) -> list[CompiledHook]:
    """Those that can be asked on the event loop."""
    return [hook for group in candidates.quick for _, hook in group.hooks]


def received(text: str, subject: str = "ops.a") -> Received:
    """An event whose readable text is this one."""
    event = CloudEvent[Any](id="1", type="Webhook", subject=subject, data={"content": text})
    return Received(event, b"", subject=subject)
