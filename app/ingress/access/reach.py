"""What a hook reads and publishes to: whoever makes one needs the same rights. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.events import subject
from app.ingress.access.callers import Caller


def require(who: Caller, resource: Mapping[str, Any]) -> None:
    """Raise a ProblemError, 403, unless a caller may read, and publish, what a hook does.

    A hook would else be a way around rights. What is no hook passes: it is refused where hooks are kept, which take a
    subject and a URL only as strings.
    """
    spec = resource.get("spec")
    pattern = spec.get("subject") if isinstance(spec, Mapping) else None
    if not isinstance(spec, Mapping) or not isinstance(pattern, str):
        return
    who.require_read(pattern)
    if spec.get("type") == "event" and isinstance(template := spec.get("url"), str):
        who.require_publish(targets(pattern, template))


def targets(pattern: str, template: str) -> str:
    """A filter that sees every subject which an `event` hook can publish to.

    A template that begins with `ops.` is the subject, in which each `*` takes a token of the event's own; any other
    takes the place of that subject's last token.
    """
    if template.startswith(f"{subject.ROOT}."):
        return template
    front, _, last = pattern.rpartition(".")
    if last == subject.REST:  # how many tokens there are before the last is not known
        return pattern
    return f"{front}.{template}"
