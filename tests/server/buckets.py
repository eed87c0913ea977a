"""What the tests of mirrored buckets share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from app.jetstream.ending import end


class Followed(Protocol):
    """What keeps itself up to date from a bucket."""

    def follow(self) -> Coroutine[Any, Any, Any]: ...

    async def complete(self) -> None: ...


F = TypeVar("F", bound=Followed)


@contextlib.asynccontextmanager
async def following(followed: F) -> AsyncIterator[F]:
    """Follow a bucket, from when it was read once."""
    task = asyncio.create_task(followed.follow())
    try:
        async with asyncio.timeout(10):
            await followed.complete()
        yield followed
    finally:
        await end((task,))


async def until(reached: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 -- another process's change gives no event here
            await asyncio.sleep(0.01)


async def revisions(context: JetStreamContext, bucket: str, key: str) -> list[bytes]:
    """Every value of a key that the bucket still holds, the oldest first.

    nats-py's `history` may end before the first value has come.
    """
    stream = f"KV_{bucket}"
    state = (await context.stream_info(stream)).state
    held = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        with contextlib.suppress(NotFoundError):
            message = await context.get_msg(stream, seq=sequence)
            held += [message.data or b""] if message.subject == f"$KV.{bucket}.{key}" else []
    return held
