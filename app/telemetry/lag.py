"""How late the event loop is: what holds it up holds up everything in the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

EVERY: Final = 0.5  # seconds


async def watch_the_loop(observe: Callable[[float], None], every: float = EVERY) -> NoReturn:
    """Tell by how many seconds a timer was late, again and again. Runs until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        observe(max(0.0, loop.time() - due))
