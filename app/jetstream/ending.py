"""Ending tasks that talk to NATS; called by whoever has started some.

nats-py waits with `asyncio.wait_for`, which up to Python 3.11 swallows a cancellation that comes in the moment in which
the answer arrives. The task would go on for ever then, and with it whoever waits for its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

_AGAIN: Final = 2.0  # seconds before a task is cancelled anew: it may be cleaning up


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks until each of them has ended; what they fail with is nobody's concern any more."""
    ending = tuple(tasks)
    while pending := [task for task in ending if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN)
    await asyncio.gather(*ending, return_exceptions=True)
