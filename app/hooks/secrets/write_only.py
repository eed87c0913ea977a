"""Credentials of hooks are write-only: reads show `***`, and a `***` that is sent back keeps what is stored. Pure.

What is secret, `delivery/secrets/masking.py` says. A stored secret is kept only for the endpoint that it was given for:
whoever may change hooks could else have the secrets, which nobody may read, sent to an endpoint of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from app.delivery.secrets.masking import MASK, masked_options, masked_url
from app.errors import FieldProblem, InvalidResourceError
from app.hooks.hook import Hook

Resource = Mapping[str, Any]

_URL: Final = "spec.url"
_OPTIONS: Final = "spec.options."
_ANEW: Final = "write it anew, with its secrets"
COPY: Final = "kubectl.kubernetes.io/last-applied-configuration"  # annotation: the resource as it was applied


class Stored(Protocol):
    """A stored spec, as far as its secrets go."""

    @property
    def type(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str]: ...


def shown(hook: Hook) -> Hook:
    """A hook as it may be shown."""
    spec = hook.spec
    masked = {"url": masked_url(spec.type, spec.url), "options": masked_options(spec.options)}
    return hook.model_copy(update={"spec": spec.model_copy(update=masked)})


def without_copy(hook: Hook) -> Hook:
    """A hook without the copy of itself that kubectl writes beside it, secrets and all."""
    kept = {name: value for name, value in hook.metadata.annotations.items() if name != COPY}
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update={"annotations": kept})})


def masked_fields(spec: object) -> Iterator[str]:
    """The fields of a spec, as JSON gives it, in which `***` stands for a secret."""
    if not isinstance(spec, Mapping):
        return
    url, options = spec.get("url"), spec.get("options")
    if isinstance(url, str) and MASK in url and spec.get("type") != "event":  # whose url is a subject
        yield _URL
    if isinstance(options, Mapping):
        yield from (f"{_OPTIONS}{name}" for name, value in options.items() if value == MASK)


def refuse_masks(resource: Resource, why: str) -> None:
    """Take no mask, where nothing is stored that it could stand for; `why` is told.

    Raises:
        InvalidResourceError: names every field that is masked.
    """
    spec = resource.get("spec")
    if problems := [FieldProblem(field, f"is masked ({MASK}): {why}") for field in masked_fields(spec)]:
        raise InvalidResourceError(problems)


def restored(resource: Resource, stored: Stored) -> Resource:
    """A resource that replaces a hook, with what is masked in it as it is stored.

    Raises:
        InvalidResourceError: names every field that is masked and does not keep what is stored, and why.
    """
    spec = resource.get("spec")
    masked = list(masked_fields(spec))
    if not masked or not isinstance(spec, Mapping):
        return resource
    if spec.get("url") == masked_url(stored.type, stored.url):
        spec = {**spec, "url": stored.url}
    if problems := [FieldProblem(field, why) for field in masked if (why := _why_not(field, spec, stored))]:
        raise InvalidResourceError(problems)
    return {**resource, "spec": {**spec, **_unmasked_options(spec, stored)}}


def _unmasked_options(spec: Mapping[str, Any], stored: Stored) -> Mapping[str, Any]:
    options = spec.get("options")
    if not isinstance(options, Mapping):
        return {}
    return {"options": {name: stored.options[name] if value == MASK else value for name, value in options.items()}}


def _why_not(field: str, spec: Mapping[str, Any], stored: Stored) -> str | None:
    """Why a masked field of a spec cannot keep what is stored, if so."""
    if spec.get("type") != stored.type or _origin(spec.get("url")) != _origin(stored.url):
        return f"is masked ({MASK}), but the type, scheme, host or port is another than before: {_ANEW}"
    if field == _URL and spec["url"] != stored.url:
        return f"is masked ({MASK}), but is not the URL as it was read: {_ANEW}, or leave it unchanged"
    if field != _URL and field.removeprefix(_OPTIONS) not in stored.options:
        return f"is masked ({MASK}), but there is no such option yet: {_ANEW}"
    return None


def _origin(url: object) -> tuple[str, str | None, int | None] | None:
    """Who gets what is sent to a URL; None where it is none."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port
