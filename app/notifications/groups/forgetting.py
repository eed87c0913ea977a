"""Removing from `ops-pending` what was told: the stream keeps what is only acknowledged.

Measured with 50,000 messages that are put back: to purge one subject takes the server 0.1 s, however few messages that
are, and to remove one message 0.1 ms. A message that is removed is not given out again, acknowledged or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from nats.errors import Error as NatsError
from nats.js.errors import APIError

from app.errors import UnavailableError
from app.jetstream.read import StreamReader
from streams.subjects import PENDING

_FEW: Final = 1_000  # of which to remove each takes no longer than to purge the subject


class Forgetting:
    """Removes messages that nobody has to look at any more."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    async def one(self, sequence: int) -> None:
        """Raises: UnavailableError."""
        await self._reader.delete(PENDING, sequence)

    async def many(self, subject: str, sequences: Sequence[int]) -> None:
        """Remove what was read of a subject. What cannot be removed now comes again, and is removed then."""
        with suppress(NatsError, APIError, TimeoutError, UnavailableError):
            if len(sequences) > _FEW:
                await self._reader.client.jetstream().purge_stream(PENDING, subject=subject, seq=sequences[-1] + 1)
            else:
                await asyncio.gather(*map(self.one, sequences))
