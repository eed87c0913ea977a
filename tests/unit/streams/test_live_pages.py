"""Listing every stream of an account, a page at a time, while somebody makes streams."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from streams.live import _every_stream


class Account:
    """An account with pages of two, in which a stream is made before each page after the first."""

    def __init__(self, *names: str, late: tuple[str, ...] = ()) -> None:
        self.names = list(names)
        self.late = list(late)

    async def streams_info(self, offset: int = 0) -> list[Any]:
        if offset and self.late:
            self.names = sorted([*self.names, self.late.pop()])
        page = self.names[offset : offset + 2]
        await asyncio.sleep(0)
        return [SimpleNamespace(config=StreamConfig(name=name)) for name in page]


async def listed(account: Account) -> set[str]:
    async with asyncio.timeout(5):
        return set(await _every_stream(cast("JetStreamContext", account)))


async def test_every_page_is_read() -> None:
    assert await listed(Account("a", "b", "c", "d", "e")) == {"a", "b", "c", "d", "e"}


async def test_a_stream_that_is_made_meanwhile_does_not_make_it_endless() -> None:
    found = await listed(Account("b", "c", late=("a",)))
    assert found == {"b", "c"}
