"""Custom resources as they may be shown: read by the rules, or leniently where they break one. Pure.

One that breaks a rule must not hide the others: it was kept under an older CRD, or before there was the rule.
`resources.py` shows what is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from app.delivery.secrets.masking import masked_options, masked_url
from app.hooks.annotations import of_others
from app.hooks.hook import Hook
from app.hooks.kubernetes.api import Object
from app.hooks.kubernetes.originals import original_of
from app.hooks.pauses import Pause
from app.hooks.secrets.write_only import shown
from app.hooks.status import BrokenHook, BrokenSpec, CustomStatus, ToldHook, status_of, with_status

ReadHook = Hook | BrokenHook

_TEXTS: Final = ("type", "subject", "url", "additional")


def read(resource: Object) -> ReadHook:
    """A custom resource, with its secrets. Expressions are compiled, which may take long: call it in a thread."""
    if (hook := original_of(resource).hook) is not None:
        return hook
    metadata = _without_nulls(resource["metadata"])
    annotations = of_others(metadata.get("annotations") or {})
    return BrokenHook(metadata={**metadata, "annotations": annotations}, spec=_lenient(resource.get("spec")))


def told(hook: ReadHook, resource: Object, pause: Pause | None) -> ToldHook:
    """What is told of a custom resource: no secrets, and whether it is paused now."""
    status = custom_status(resource, pause)
    if isinstance(hook, Hook):
        return with_status(shown(hook), status)
    return hook.model_copy(update={"spec": _masked(hook.spec), "status": status})


def custom_status(resource: Object, pause: Pause | None) -> CustomStatus:
    """The status in a custom resource, as far as it can be read, with its state as it is now."""
    written = resource.get("status")
    fields = {**(written if isinstance(written, dict) else {}), **status_of(pause).model_dump()}
    try:
        return CustomStatus.model_validate(fields)
    except ValidationError as error:
        unreadable = {problem["loc"][0] for problem in error.errors()}
        return CustomStatus.model_validate({name: fields[name] for name in fields.keys() - unreadable})


def _without_nulls(value: object) -> Mapping[str, Any]:
    given = value if isinstance(value, dict) else {}
    return {name: field for name, field in given.items() if field is not None}


def _lenient(value: object) -> BrokenSpec:
    """The fields that are of their type; of the options those that are texts."""
    given = _without_nulls(value)
    options = {name: text for name, text in _without_nulls(given.get("options")).items() if isinstance(text, str)}
    texts = {name: given[name] for name in _TEXTS if isinstance(given.get(name), str)}
    return BrokenSpec(**texts, options=options, keywords=_without_nulls(given.get("keywords")))


def _masked(spec: BrokenSpec) -> BrokenSpec:
    """The subject of an event hook stands as it is; what looks like a URL there may hold a password."""
    in_the_open = not spec.url or (spec.type == "event" and "://" not in spec.url)
    url = spec.url if in_the_open else masked_url("", spec.url)
    return spec.model_copy(update={"url": url, "options": masked_options(spec.options)})
