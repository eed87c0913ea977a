"""A rolling restart under load: no request is refused, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.acceptance.balancing import balancer
from tests.acceptance.counting import delivery_ids, ids_in_stream, ids_received, make_hook
from tests.app import running_app
from tests.receiver import Receiver
from tests.servers import NatsServer

LONG = 60.0  # seconds within which everything has to have arrived, on however slow a machine


async def test_three_replicas_are_replaced_one_after_the_other(
    provisioned: NatsServer, tmp_path: Path, receiver: Receiver
) -> None:
    settings = {"EVENT_ENDPOINT": provisioned.url, "SHUTDOWN_DELAY": "1.5"}
    async with (
        running_app(tmp_path / "a", **settings) as a,
        running_app(tmp_path / "b", **settings) as b,
        running_app(tmp_path / "c", **settings) as c,
        balancer(a, b, c) as service,
    ):
        await make_hook(a, receiver)
        posted, _ = await asyncio.gather(service.post_all(7000, 500), service.roll())
        assert posted.refused == []
        assert len(posted.acknowledged) == 7000
        acknowledged = set(posted.acknowledged)
        assert acknowledged <= await ids_in_stream(provisioned)
        await receiver.wait_for(lambda: acknowledged <= ids_received(receiver), LONG)
        assert all(len(ids) == 1 for ids in delivery_ids(receiver).values())
        assert "ERROR" not in a.log + b.log + c.log
