"""Which drains a process has: found by what the server tells, in pages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from nats.aio.client import Client
from nats.js.api import ConsumerConfig

from app.delivery.backlog.drains import Drains
from app.delivery.backlog.repay import Desk
from streams.consumers import TARGET


class Server:
    """Lists consumers of `ops` by twos."""

    def __init__(self, *targets: str) -> None:
        self.metadata: list[dict[str, str] | None] = [None, {"other": "x"}, *({TARGET: target} for target in targets)]
        self.asked = 0

    def jetstream(self) -> Server:
        return self

    async def consumers_info(self, stream: str, offset: int | None = None) -> list[Any]:
        assert stream == "ops"
        self.asked += 1
        page = self.metadata[offset or 0 :][:2]
        return [SimpleNamespace(config=ConsumerConfig(metadata=metadata)) for metadata in page]


def looking(server: Server) -> Drains:
    drains = Drains(cast("Desk", None), {}, lambda: ())
    drains._client = cast("Client", server)
    return drains


async def test_all_consumers_of_ordered_hooks_are_found_on_however_many_pages() -> None:
    assert await looking(Server("a", "b", "c", "d", "e"))._were_ordered() == {"a", "b", "c", "d", "e"}


async def test_they_are_looked_for_seldom() -> None:
    server = Server()
    drains = looking(server)
    await drains._were_ordered()
    asked = server.asked
    assert await drains._were_ordered() == set()
    assert server.asked == asked


async def test_without_a_connection_there_is_nothing_to_look_at() -> None:
    assert await Drains(cast("Desk", None), {}, lambda: ())._were_ordered() == set()
