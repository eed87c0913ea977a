"""Waiting until the server has answered, in a way that may be given up; called by `pull.py`.

nats-py's own `flush` keeps what waits for the PONG in a list. Where that wait is cancelled or takes too long, the PONG
that comes later finds a cancelled future there, and the task that reads from the connection ends on it, with no more
than a line in the log: the connection looks open, and hears nothing.
"""

from __future__ import annotations

import asyncio

from nats.aio.client import Client


async def roundtrip(client: Client) -> None:
    """Until the server has read all that was said to it before, and what it had sent until then has arrived here.

    Waits for ever where the connection is lost meanwhile: put a timeout around it.
    """
    for _ in range(2):  # nats-py writes a PING ahead of commands that it has yet to write: a second one is behind them
        pong: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await client._send_ping(pong)  # noqa: SLF001 -- no public call leaves the future whole
        await asyncio.shield(pong)
