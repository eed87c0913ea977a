"""Which hooks are paused, and why: a key-value bucket that every process mirrors.

The events of a paused hook are parked, and its backlog rests until the pause ends. Delivery asks at every event; the
HTTP endpoints, an endpoint that answers 410 and a pattern that runs out of time begin a pause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from nats.aio.client import Client
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.events import cloudevent
from app.jetstream.bucket import Bucket
from app.jetstream.mirror import Keys, Mirror
from streams.subjects import HOOK_PAUSES_BUCKET

By = Literal["operator", "endpoint", "pattern", "secrets"]


class Pause(BaseModel):
    """Why a hook rests, and since when."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    reason: str = Field(description="Why; no secrets.")
    by: By = Field(
        description="`operator`: until somebody resumes it. `endpoint` (it answered 410) and `pattern` (a keyword ran"
        " out of time again and again): until the hook's spec is changed, too. `secrets`: until they can be read."
    )
    since: str = Field(description="RFC 3339, UTC; empty: unknown.")
    generation: int = Field(description="The hook's `metadata.generation` when it was paused.")


class Pauses:
    """The pauses, as of the last change that reached this process. Hooks are named by their targets' keys."""

    def __init__(
        self,
        connection: Callable[[], Client | None],
        generation: Callable[[str], int | None],
        locked: Callable[[str], str] = lambda _: "",
    ) -> None:
        """Make the pauses.

        Args:
            connection: The connection to NATS, once there is one.
            generation: How often a hook's spec was changed; None where the hook is not known, and then what was paused
                stays so.
            locked: Why the secrets of a hook cannot be read; empty where they can.
        """
        self._mirror = Mirror(Bucket(connection, HOOK_PAUSES_BUCKET), _decode, self._changed)
        self._generation = generation
        self._locked = locked
        self._subscribers: list[Callable[[Keys], None]] = []
        self.follow, self.not_ready, self.complete = self._mirror.follow, self._mirror.not_ready, self._mirror.complete

    def get(self, target: str) -> Pause | None:
        """The pause of a hook, if it is paused now."""
        entry = self._mirror.entries.get(target)
        if entry is not None and not self._is_over(target, entry.value):
            return entry.value
        return self._for_secrets(target, locked) if (locked := self._locked(target)) else None

    def paused(self, target: str) -> bool:
        """Whether a hook is paused now. Cheap: asked for every delivery."""
        return (target in self._mirror.entries or self._locked(target) != "") and self.get(target) is not None

    def subscribe(self, tell: Callable[[Keys], None]) -> None:
        """Have the targets told whose pause has begun or ended; called at once, on the event loop.

        A pause that ends by a change of the hook's spec is told by the registry.
        """
        self._subscribers.append(tell)

    async def pause(self, target: str, pause: Pause) -> None:
        """Pause a hook; one that is paused already is paused for this reason from now on.

        Raises:
            UnavailableError: JetStream is away.
        """
        await self._mirror.put(target, pause.model_dump_json().encode())

    async def stop(self, target: str, reason: str, by: By = "endpoint") -> None:
        """Pause a hook as it is now, for a reason of the program's; one that is paused already stays as it is.

        Raises:
            UnavailableError: JetStream is away.
        """
        generation = self._generation(target)
        if generation is not None and not self.paused(target):
            since = cloudevent.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            await self.pause(target, Pause(reason=reason, by=by, since=since, generation=generation))

    async def resume(self, target: str) -> None:
        """Let a hook go on; one that is not paused goes on anyway.

        Raises:
            UnavailableError: JetStream is away.
        """
        if target in self._mirror.entries:
            await self._mirror.delete(target)

    def _for_secrets(self, target: str, locked: str) -> Pause:
        """Nobody has paused it, but without its secrets nothing can be sent."""
        reason = f"its secrets cannot be read: {locked}"
        return Pause(reason=reason, by="secrets", since="", generation=self._generation(target) or 0)

    def _is_over(self, target: str, pause: Pause) -> bool:
        """A pause that nobody asked for ends when somebody has changed the hook: it may be mended."""
        return pause.by != "operator" and self._generation(target) not in {None, pause.generation}

    def _changed(self, keys: Keys) -> None:
        for tell in self._subscribers:
            tell(keys)


def _decode(_: str, value: bytes) -> Pause:
    try:
        return Pause.model_validate_json(value)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise ValueError(f"it is no pause ({where}); the hook is not paused by it, delete it") from None
