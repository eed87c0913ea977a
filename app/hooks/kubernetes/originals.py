"""The EventHooks of Kubernetes as far as this process has been told of them, by a watch and by who writes them.

`mirroring.py` fills it and keeps the registry like it, `reporter.py` writes their status. What is told may be
old: who writes hears of a change before the watch does. An older version never takes the place of a newer one, and
what was deleted does not come back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import FieldProblem, InvalidResourceError
from app.hooks.annotations import of_others
from app.hooks.hook import Hook, parse
from app.hooks.kubernetes.api import Object
from app.hooks.secrets.write_only import refuse_masks

_MASKED = "the secret itself has to stand in the resource, or in a Secret that secretRef names"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which object was meant, and as of when."""

    key: str  # `{namespace}.{name}`
    uid: str
    version: str


@dataclass(frozen=True, slots=True)
class Original:
    """A custom resource."""

    key: str  # `{namespace}.{name}`
    uid: str
    version: str
    generation: int
    status: Mapping[str, Any]
    hook: Hook | None  # without what only Kubernetes and kubectl note in it; None: it breaks a rule
    problems: tuple[FieldProblem, ...] = ()  # which, if so


def number_of(version: str) -> int:
    """Versions of one resource are numbers that grow with time; what is none says nothing."""
    return int(version) if version.isdecimal() else 0


def identity_of(resource: Object) -> Identity:
    metadata = resource["metadata"]
    key = f"{metadata['namespace']}.{metadata['name']}"
    return Identity(key, metadata.get("uid") or "", metadata.get("resourceVersion") or "")


def original_of(resource: Object) -> Original:
    """Read a custom resource. Expressions are compiled, which may take long: call it in a thread."""
    whose = identity_of(resource)
    hook, problems = _read(resource)
    return Original(
        key=whose.key,
        uid=whose.uid,
        version=whose.version,
        generation=resource["metadata"].get("generation") or 1,
        status=status if isinstance(status := resource.get("status"), Mapping) else {},
        hook=hook,
        problems=problems,
    )


def _read(resource: Object) -> tuple[Hook | None, tuple[FieldProblem, ...]]:
    given = _without_nulls(resource)
    try:
        refuse_masks(given, _MASKED)
        hook = parse(given, given["metadata"]["namespace"], given["metadata"]["name"])
    except InvalidResourceError as error:
        return None, error.problems
    annotations = of_others(hook.metadata.annotations)
    return hook.model_copy(update={"metadata": hook.metadata.model_copy(update={"annotations": annotations})}), ()


def _without_nulls(value: Any) -> Any:
    """A field that is null is one that is not there."""
    if not isinstance(value, Mapping):
        return value
    return {name: _without_nulls(field) for name, field in value.items() if field is not None}


class Originals:
    """All that are known, by key."""

    def __init__(self, namespace: str = "") -> None:
        """Know none yet; with a namespace, those of others are nobody's business here."""
        self._namespace = namespace
        self._known: dict[str, Original] = {}
        self._listed: dict[str, Original] = {}  # by the list that is being read
        self._deleted: dict[str, str] = {}  # uids by key, of which the watch has not told yet that they are gone
        self._reached = 0  # up to which version the watch has told everything
        self.complete = False  # whether a whole list has been read

    def covers(self, key: str) -> bool:
        """Whether a key is in the namespace that is watched."""
        return not self._namespace or key.startswith(f"{self._namespace}.")

    def get(self, key: str) -> Original | None:
        return self._known.get(key)

    def all(self) -> Collection[Original]:
        return self._known.values()

    def is_absent(self, key: str, uid: str, version: str) -> bool:
        """Whether there is none of a key any more, given the uid and a version of one that there was."""
        if key in self._known:
            return False
        return self._deleted.get(key) == uid or (self.complete and number_of(version) <= self._reached)

    def write(self, original: Original) -> None:
        """Take what the API answered to who wrote it. Where the watch is beyond that already, it knows better."""
        if original.key in self._known or number_of(original.version) > self._reached:
            self._take(original)

    def put(self, original: Original, before: Original | None) -> None:
        """Take what the API says now, where nothing was told since it was asked: then `before` is still known."""
        if self._known.get(original.key) is before:
            self._known[original.key] = original
        else:
            self._take(original)

    def forget(self, key: str, before: Original | None) -> None:
        """There is none, says the API, where nothing was told since it was asked. The watch may not know it yet."""
        if before is not None and self._known.get(key) is before:
            del self._known[key]
            self._deleted[key] = before.uid

    def change(self, original: Original) -> None:
        """Take a change that the watch tells."""
        self._take(original)
        self.reach(original.version)

    def delete(self, whose: Identity) -> None:
        """Forget what the watch says was deleted, unless a newer one is known already."""
        known = self._known.get(whose.key)
        if known and (known.uid == whose.uid or number_of(known.version) < number_of(whose.version)):
            del self._known[whose.key]
        if self._deleted.get(whose.key) == whose.uid:
            del self._deleted[whose.key]
        self.reach(whose.version)

    def reach(self, version: str) -> None:
        """The watch has told everything up to a version."""
        self._reached = max(self._reached, number_of(version))

    def begin(self) -> None:
        """A list begins."""
        self._listed = {}

    def list(self, originals: Iterable[Original]) -> None:
        """Take a page of the list."""
        for original in originals:
            self._listed[original.key] = original
            self._take(original)

    def complete_list(self, version: str) -> None:
        """What was not listed is gone, but for what was written since the list began.

        A list that is older than what was told before is of another history: of a cluster that was restored from a
        backup, or stands in the place of another one. Then it alone is believed.
        """
        now = number_of(version)
        if now < self._reached:
            self._known = dict(self._listed)
        else:
            listed = self._listed
            self._known = {
                key: known for key, known in self._known.items() if key in listed or number_of(known.version) > now
            }
        self._deleted = {key: uid for key, uid in self._deleted.items() if self._was_listed(key, uid)}
        self._reached, self._listed, self.complete = now, {}, True

    def _was_listed(self, key: str, uid: str) -> bool:
        return key in self._listed and self._listed[key].uid == uid

    def _take(self, original: Original) -> None:
        known = self._known.get(original.key)
        if self._deleted.get(original.key) == original.uid or not self.covers(original.key):
            return
        if known is None or number_of(known.version) <= number_of(original.version):
            self._known[original.key] = original
