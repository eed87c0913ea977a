"""Where a page of a slice begins, found by counting: the server knows how many messages there are, not where."""

from __future__ import annotations

from app.jetstream.past import Slice, count_from
from app.jetstream.read import StreamReader


async def with_newest(reader: StreamReader, piece: Slice, total: int, number: int, spare: int) -> tuple[int, int]:
    """A sequence from which on the slice, of `total` messages, has `number` or up to `spare` more; and how many.

    Guesses by how dense the messages lie, and halves what is left where that does not lead there. A server's count is
    cheap near the end of a stream, where most pages are.

    Raises:
        UnavailableError: JetStream does not answer.
    """
    low, most = piece.first, total  # from here on there are enough messages
    high, least = piece.last + 1, 0  # and from here on too few
    halve = False
    while most > number + spare and high - low > 1:
        guess = (low + high) // 2 if halve else _guess(low, high, (number + spare / 2 - least) / (most - least))
        found, first = await count_from(reader, piece, guess)
        if found >= number:
            low, most = first, found
        else:
            high, least = guess, found
        halve = not halve
    return low, most


def _guess(low: int, high: int, share: float) -> int:
    return min(max(high - int((high - low) * share), low + 1), high - 1)
