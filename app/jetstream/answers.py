"""Many messages in answer to one request, as the server sends them. Used by `read.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

SEQUENCE: Final = "Nats-Sequence"  # header of a message that was got directly: its own
_TIMEOUT: Final = 3.0  # seconds until all of them must be there


async def several(client: Client, subject: str, request: Mapping[str, Any], number: int) -> list[Msg]:
    """What the server has to give, `number` messages at most.

    Raises:
        TimeoutError: it does not say that there are no more.
        nats.errors.Error: the connection does not work.
    """
    found: list[Msg] = []
    complete = asyncio.Event()

    async def take(message: Msg) -> None:
        if stored := is_stored(message):
            found.append(message)
        if not stored or len(found) == number:
            complete.set()

    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=take)
    try:
        await client.publish(subject, json.dumps(request).encode(), inbox)
        async with asyncio.timeout(_TIMEOUT):
            await complete.wait()
    finally:
        await subscription.unsubscribe()
    return found


def is_stored(message: Msg) -> bool:
    """Whether it is a message of a stream; else the server says that there is none, or no more."""
    return bool(message.reply) or SEQUENCE in (message.headers or {})
