"""EventHooks as custom resources: what this room asks of the API that keeps them, and of the mirror.

`sources/kubernetes/objects.py` implements `HookObjects`; `main` plugs it in. `resources.py` writes them for the HTTP
endpoints, `mirroring.py` keeps the registry like them. Where there is Kubernetes, they are the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Object = Mapping[str, Any]  # an object of the API, as JSON gives it: anything may be missing or null


class HookObjects(Protocol):
    """The EventHooks of the Kubernetes API.

    Every method raises UnavailableError where the API is away, has no such resource, or does not let this process.
    """

    async def list(self, namespace: str) -> list[Object]:
        """The hooks of a namespace, or (empty) of all that this process watches."""
        ...

    async def get(self, namespace: str, name: str) -> Object:
        """Raises: NotFoundError."""
        ...

    async def create(self, namespace: str, resource: Object) -> Object:
        """Make a hook; returns it as it is kept.

        Raises:
            ConflictError: there is one of that name.
            InvalidResourceError: it breaks a rule of the API; names the fields, and shows no value.
        """
        ...

    async def replace(self, namespace: str, name: str, resource: Object) -> Object:
        """Put a hook in the place of the one at its metadata.resourceVersion; returns it as it is kept.

        Raises:
            NotFoundError: there is none.
            ConflictError: it was changed since that version.
            InvalidResourceError: it breaks a rule of the API; names the fields, and shows no value.
        """
        ...

    async def delete(self, namespace: str, name: str) -> None:
        """Raises: NotFoundError."""
        ...

    async def patch_status(self, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        """Put these fields into its status, and leave the others; None takes a field away.

        Raises:
            NotFoundError: there is none.
            InvalidResourceError: the status breaks a rule of the API.
        """
        ...


class HookMirror(Protocol):
    """What keeps the registry like the custom resources. Told of a write at once, for a watch tells it later."""

    async def apply(self, resource: Object) -> None:
        """Take over a custom resource as it is kept now."""
        ...

    async def gone(self, key: str) -> None:
        """Forget the custom resource with a key, `{namespace}.{name}`: it has been deleted."""
        ...
