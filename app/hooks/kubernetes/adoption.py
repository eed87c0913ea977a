"""Hooks that were made over HTTP while there was no Kubernetes: they become custom resources. Called by `mirroring.py`.

What the API refuses is told once and left: the hook goes on as it is, and may still be mended over HTTP.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from app.errors import ConflictError, InvalidResourceError, NotFoundError, OpsError, UnavailableError
from app.hooks.annotations import of_others
from app.hooks.hook import Hook
from app.hooks.kubernetes.api import HookObjects, Object

log = logging.getLogger(__name__)

_FOR_GOOD: Final = (InvalidResourceError, NotFoundError)  # asking again would not help


class Adoption:
    """Makes custom resources of hooks, each once."""

    def __init__(self, objects: HookObjects) -> None:
        self._objects = objects
        self._refused: dict[str, Hook] = {}  # by key, as they were then
        self._told: set[tuple[str, str]] = set()

    def is_refused(self, hook: Hook) -> bool:
        """Whether the API did not take this hook, and it has not been changed since."""
        return self._refused.get(hook.key) == hook

    async def adopt(self, hook: Hook) -> Object | None:
        """Make a custom resource of a hook; None where that is refused, or somebody else has made one of that name.

        Raises:
            UnavailableError: the API is away, or does not let this process; it is told once for each hook.
        """
        try:
            made = await self._objects.create(hook.metadata.namespace, resource_of(hook))
        except ConflictError:
            return None  # the watch tells of it
        except _FOR_GOOD as refusal:
            self._refused[hook.key] = hook
            self._tell(hook, refusal)
            return None
        except UnavailableError as trouble:
            self._tell(hook, trouble)
            raise
        log.info(
            "the hook %s, made over HTTP, is a custom resource now", hook.key, extra={"target": f"hooks.{hook.key}"}
        )
        return made

    def _tell(self, hook: Hook, why: OpsError) -> None:
        if (hook.key, str(why)) not in self._told:
            self._told.add((hook.key, str(why)))
            log.warning(
                "the hook %s goes on, but cannot become a custom resource: %s",
                hook.key,
                why,
                extra={"target": f"hooks.{hook.key}"},
            )


def resource_of(hook: Hook) -> Mapping[str, Any]:
    """A hook as a custom resource, as somebody would write it, secrets and all."""
    metadata = hook.metadata
    written = {
        "name": metadata.name,
        "namespace": metadata.namespace,
        "labels": dict(metadata.labels),
        "annotations": dict(of_others(metadata.annotations)),
    }
    return {
        "apiVersion": hook.api_version,
        "kind": hook.kind,
        "metadata": {name: value for name, value in written.items() if value},
        "spec": hook.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }
