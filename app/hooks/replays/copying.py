"""What a replay does: reads a slice of a stream, and copies what the hook wants to the parked events of its target.

`replaying.py` says who does it. A copy is parked like any event that waits for its target, so it is delivered at the
target's own pace, with retries, and beside the live events. Its message id makes a repeat harmless: whoever takes a
replay over goes on from the last position that was written down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.msg import Msg

from app.delivery import records
from app.delivery.arrival import received_of
from app.delivery.delivery import Delivery, Received, delivery_of
from app.delivery.letters import headers_again
from app.delivery.park import headers_of
from app.delivery.retry import Debt
from app.errors import OpsError, TooLargeError, UnavailableError
from app.events import cloudevent
from app.hooks.matching.match import CompiledHook
from app.hooks.registry import Registry
from app.hooks.replays.pace import Pace
from app.hooks.replays.replay import Replay
from app.jetstream.past import Slice, reading
from app.jetstream.place import place_of
from app.jetstream.publish import Publish
from app.jetstream.read import StreamReader
from streams.subjects import DEAD_LETTERS, OPS, PARKED

log = logging.getLogger(__name__)

_PAUSE: Final = 1.0  # seconds before going on where JetStream did not answer
_CHUNKS: Final = 10  # a second: that many times progress is made, and a stop is noticed


# Whether a target's hook, as it is now, wants an event; None where that cannot be decided.
Wants = Callable[[str, Received], Awaitable[bool | None]]


class HookGoneError(OpsError):
    """The hook was deleted while it was replayed."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom copying works with."""

    registry: Registry
    reader: StreamReader
    publish: Publish
    wants: Wants
    wake: Callable[[str], None]  # told the key of a target that has more parked events than before
    pace: Callable[[int], Pace] = Pace


@dataclass(frozen=True, slots=True)
class Copy:
    """A message for `ops-parked`."""

    sequence: int  # of what it was made from
    payload: bytes
    headers: dict[str, str]


class Copying:
    """The work of one replay; `replay` tells how far it is."""

    def __init__(self, replay: Replay, desk: Desk, goes_on: Callable[[], bool]) -> None:
        """`goes_on` says whether the replay is to be worked on here; asked often."""
        self.replay = replay
        self._desk = desk
        self._goes_on = goes_on
        self._pace = desk.pace(replay.rate)
        self._chunk = max(1, replay.rate // _CHUNKS)
        self._source = _Letters(desk, replay) if replay.takes_letters else _Events(desk, replay)

    async def run(self) -> None:
        """Return when all is copied, or it does not go on here.

        Raises:
            HookGoneError: there is no such hook any more.
        """
        while self.replay.position < self.replay.last and self._goes_on():
            try:
                await self._stretch()
            except UnavailableError as error:
                log.debug("the replay %s waits for JetStream: %s", self.replay.id, error)
                await asyncio.sleep(_PAUSE)

    async def _stretch(self) -> None:
        """Copy to the end, or until the hook is another than it was: its subject says what is read."""
        hook = await self._hook()
        piece = self._source.piece(hook, self.replay)
        async with reading(self._desk.reader.client, piece) as batches:
            async for batch in batches:
                for chunk in _chunks(batch, self._chunk):
                    if not self._goes_on() or (await self._hook()).hook.spec != hook.hook.spec:
                        return
                    await self._copy(hook, chunk)
        self._advance(position=self.replay.last)

    async def _hook(self) -> CompiledHook:
        target, registry = self.replay.target, self._desk.registry
        hook = registry.compiled(target)
        if hook is not None:
            return hook
        if registry.is_gone(target) and await registry.confirm_gone(target):
            raise HookGoneError("the hook was deleted")
        raise UnavailableError("the hook cannot be read")

    async def _copy(self, hook: CompiledHook, chunk: Sequence[Msg]) -> None:
        copies = [copy for message in chunk if (copy := await self._source.copy(hook, message)) is not None]
        await self._pace.take(len(copies))
        outcomes = await asyncio.gather(*map(self._park, copies), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        self._advance(
            position=place_of(chunk[-1].reply).sequence,
            read=self.replay.read + len(chunk),
            matched=self.replay.matched + len(copies),
            copied=self.replay.copied + outcomes.count(True),
        )
        if copies:
            self._desk.wake(self.replay.target)

    async def _park(self, copy: Copy) -> bool:
        """Whether it could be copied."""
        headers = {**copy.headers, "Nats-Msg-Id": f"{self.replay.id}-{copy.sequence}"}
        try:
            await self._desk.publish(f"{PARKED}.{self.replay.target}", copy.payload, headers)
        except TooLargeError as error:
            self._advance(error=f"the message {copy.sequence} was not copied: {error}")
            return False
        await self._source.copied(copy)
        return True

    def _advance(self, **progress: Any) -> None:
        self.replay = self.replay.model_copy(update=progress)


class _Events:
    """Events of `ops`, which stay there."""

    def __init__(self, desk: Desk, replay: Replay) -> None:
        self._wants = desk.wants
        self._replay = replay.id

    def piece(self, hook: CompiledHook, replay: Replay) -> Slice:
        return Slice(OPS, hook.hook.spec.subject, replay.position + 1, replay.last)

    async def copy(self, hook: CompiledHook, message: Msg) -> Copy | None:
        """None where the hook does not want it."""
        try:
            received = received_of(message, cloudevent.read(message.data, message.headers))
        except cloudevent.NotACloudEventError:
            return None
        wanted = await self._wants(hook.target.key, received)
        if wanted is False:
            return None
        made = delivery_of(received, hook.target)
        delivery = Delivery(made.id, hook.target, received, self._replay, undecided=wanted is None)
        return Copy(received.sequence, message.data, headers_of(delivery, Debt(), f"replayed by {self._replay}"))

    async def copied(self, copy: Copy) -> None:
        """Nothing to do."""


class _Letters:
    """Dead letters, which go once their copies are kept. Whether the hook wanted them was decided long ago."""

    def __init__(self, desk: Desk, replay: Replay) -> None:
        self._reader = desk.reader
        self._replay = replay.id

    def piece(self, hook: CompiledHook, replay: Replay) -> Slice:
        return Slice(DEAD_LETTERS, f"{DEAD_LETTERS}.{hook.target.key}", replay.position + 1, replay.last)

    async def copy(self, _: CompiledHook, message: Msg) -> Copy | None:
        headers = headers_again(message.headers or {}, f"replayed by {self._replay}")
        sequence = place_of(message.reply).sequence
        return Copy(sequence, message.data, {**headers, records.REPLAY: self._replay})

    async def copied(self, copy: Copy) -> None:
        await self._reader.delete(DEAD_LETTERS, copy.sequence)


def _chunks(batch: Sequence[Msg], size: int) -> Iterator[Sequence[Msg]]:
    for begin in range(0, len(batch), size):
        yield batch[begin : begin + size]
