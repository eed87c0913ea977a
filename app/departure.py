"""How a process leaves: it says so and goes on serving for a while, then takes nothing more, then settles the rest.

Whoever sends it requests needs the while: a load balancer learns from `/readyz`, a client with an open connection from
`Connection: close`. Without it a request is refused whose sender could not know. Used by `server.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from faststream.asgi.types import Send

Handler = Callable[[int, FrameType | None], Any]  # of a signal

_CLOSE: Final = (b"connection", b"close")


class Departure:
    """Begins at the first signal to end; a second one ends the while at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        """Go on serving for so many seconds after the first signal."""
        self._seconds = seconds
        self.begun = False

    def not_ready(self) -> str | None:
        """Why requests should go elsewhere, once that is so."""
        return "the process is ending" if self.begun else None

    def hear(self, loop: asyncio.AbstractEventLoop, end: Handler, number: int, frame: FrameType | None) -> None:
        """Take a signal, as its handler; `end` is called with it when the while is over."""
        is_over = self.begun or not self._seconds
        self.begun = True
        if is_over:
            end(number, frame)
        else:
            loop.call_soon_threadsafe(loop.call_later, self._seconds, end, number, None)

    def closing(self, send: Send) -> Send:
        """What sends an answer; once the departure has begun, the client is told to take another connection next."""
        return _closing(send) if self.begun else send


def _closing(send: Send) -> Send:
    async def close(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
        await send(message)

    return close
