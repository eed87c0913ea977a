"""Telling JetStream what became of a message: the only code that acknowledges.

An event is acknowledged when each of its deliveries is done. Until then it is the server's to give out again, so
nothing is lost whenever this process ends. A message that takes long is reported as in progress meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NotJSMessageError

from streams.consumers import ACK_WAIT_SECONDS

log = logging.getLogger(__name__)

_REPORT_EVERY: Final = ACK_WAIT_SECONDS / 3


class Settlement:
    """Keeps account of the messages that are being worked on."""

    def __init__(self) -> None:
        # By identity: nats-py's messages compare by content and cannot be hashed.
        self._open: dict[int, tuple[Msg, float]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, messages: Iterable[Msg]) -> None:
        """From now on these are reported as in progress until they are settled."""
        now = time.monotonic()
        self._open.update((id(message), (message, now)) for message in messages)

    async def done(self, message: Msg) -> None:
        """Acknowledge: each of the message's deliveries is done, or nobody wants it."""
        self._open.pop(id(message), None)
        await _tell(message.ack)

    async def later(self, message: Msg, seconds: float) -> None:
        """Give it back to be given out again after a while."""
        self._open.pop(id(message), None)
        await _tell(lambda: message.nak(delay=seconds))

    async def give_back_all(self) -> None:
        """Give back at once what is still being worked on, for another process to take."""
        for message, _ in tuple(self._open.values()):
            await self.later(message, 0)

    async def report_progress(self) -> None:
        """Keep the server from giving out again what is still being worked on. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(_REPORT_EVERY)
            begun_before = time.monotonic() - _REPORT_EVERY
            for message in [message for message, begun in self._open.values() if begun <= begun_before]:
                await _tell(message.in_progress)


def tries(message: Msg) -> int:
    """How often the server has given a message out, this time included."""
    try:
        return message.metadata.num_delivered or 1
    except NotJSMessageError:
        return 1


async def _tell(say: Callable[[], Awaitable[None]]) -> None:
    try:
        await say()
    except NatsError as error:
        # The server will give the message out again; the repeat carries the same delivery id.
        log.debug("JetStream was not told of a settled message (%s)", type(error).__name__)
