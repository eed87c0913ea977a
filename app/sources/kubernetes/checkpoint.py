"""How far a watch has published, kept in the bucket `ops-checkpoints` for whoever goes on after it.

Called by `journal.py`. One key for each cluster and resource, which all replicas share: whoever is furthest says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client
from pydantic import TypeAdapter, ValidationError

from app.errors import ConflictError
from app.jetstream.bucket import OPERATION, Bucket
from app.jetstream.read import StreamReader
from streams.subjects import CHECKPOINTS_BUCKET


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Up to where the changes of a resource are published."""

    version: str  # resourceVersion: each change up to it is on the stream, or was not to be published
    observed: float = 0.0  # latest observation among them, Unix seconds; 0: none

    def covers(self, version: str) -> bool:
        """Whether a change to this version is among them. Versions of one resource are numbers that only grow."""
        return self.version.isdecimal() and version.isdecimal() and int(version) <= int(self.version)


NOTHING: Final = Checkpoint("")


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint as it lies in the bucket."""

    checkpoint: Checkpoint
    revision: int
    written: float  # Unix seconds


_NOT_IN_A_KEY: Final = re.compile(r"[^-a-zA-Z0-9]")

_FORM: Final = TypeAdapter(Checkpoint)


class Checkpoints:
    """The bucket. Each method raises UnavailableError where JetStream is away."""

    def __init__(self, connection: Callable[[], Client | None]) -> None:
        """Make it; `connection` gives the connection to NATS, once there is one."""
        self._bucket = Bucket(connection, CHECKPOINTS_BUCKET)
        self._reader = StreamReader(connection)

    async def read(self, key: str) -> Found | None:
        """The checkpoint under a key; None where there is none that can be read."""
        kept = await self._reader.last(self._bucket.stream, self._bucket.prefix + key)
        if kept is None or OPERATION in kept.headers:
            return None
        with suppress(ValidationError):
            return Found(_FORM.validate_json(kept.payload), kept.sequence, kept.stored)
        return Found(NOTHING, kept.sequence, kept.stored)

    async def write(self, key: str, checkpoint: Checkpoint, found: Found | None) -> None:
        """Put a checkpoint in place of what was found. Where another replica was first nothing is done."""
        value = _FORM.dump_json(checkpoint)
        with suppress(ConflictError):
            if found is None:
                await self._bucket.create(key, value)
            else:
                await self._bucket.update(key, value, found.revision)


def key_of(cluster: str, resource: str, namespace: str) -> str:
    """The key of a resource, in a namespace or (empty) in all: a watch of one knows nothing of the others."""
    return ".".join(_NOT_IN_A_KEY.sub(_escape, name) for name in (cluster, resource, namespace) if name)


def _escape(found: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))
