"""What the tests of mirrored buckets share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, TypeVar


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
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(reached: Callable[[], bool], seconds: float = 1) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 -- another process's change gives no event here
            await asyncio.sleep(0.01)
