"""Publishing many messages of one request, so that each is either known to be stored or known to have failed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from app.errors import UnavailableError
from app.jetstream.publish import AbsentError, Pipeline, Stored

# Messages that are on their way at a time. So many are sent without a turn for others, which takes some milliseconds.
_WINDOW: Final = 256

Outcome = Stored | UnavailableError


class Message(Protocol):
    """What is published; `events.compose.Composed` is one."""

    @property
    def subject(self) -> str: ...

    @property
    def payload(self) -> bytes: ...

    @property
    def headers(self) -> dict[str, str]: ...


async def publish_all(pipeline: Pipeline, messages: Sequence[Message]) -> list[Outcome]:
    """Publish messages in their order; what became of each, in that order.

    Those that JetStream did not answer are sent again, as a single one is. They then lie behind later ones that were
    on their way.

    Raises:
        TooLargeError: one is larger than the server takes; none was sent.
    """
    for message in messages:
        pipeline.require_room(message.payload, message.headers)
    outcomes = await _sent(pipeline, messages)
    pauses = pipeline.patience.pauses()
    while (absent := _absent(outcomes)) and (pause := next(pauses, None)) is not None:
        await asyncio.sleep(pause)
        again = await _sent(pipeline, [messages[place] for place in absent])
        for place, outcome in zip(absent, again, strict=True):
            outcomes[place] = outcome
    return outcomes


def _absent(outcomes: Sequence[Outcome]) -> list[int]:
    """The places of those that JetStream did not answer."""
    return [place for place, outcome in enumerate(outcomes) if isinstance(outcome, AbsentError)]


async def _sent(pipeline: Pipeline, messages: Sequence[Message]) -> list[Outcome]:
    """One try; as soon as one is known to have failed, no more are sent."""
    outcomes: list[Outcome] = []
    begun: deque[asyncio.Future[Stored] | UnavailableError] = deque()
    trouble: UnavailableError | None = None
    for message in messages:
        if len(begun) == _WINDOW:
            outcomes.append(outcome := await _ended(begun.popleft()))
            if isinstance(outcome, UnavailableError):
                trouble = outcome
                break
        try:
            begun.append(await pipeline.begin(message.subject, message.payload, message.headers))
        except UnavailableError as error:
            begun.append(error)
    outcomes += [await _ended(one) for one in begun]
    return [*outcomes, *[trouble] * (len(messages) - len(outcomes))] if trouble else outcomes


async def _ended(begun: asyncio.Future[Stored] | UnavailableError) -> Outcome:
    if isinstance(begun, UnavailableError):
        return begun
    try:
        return await begun
    except UnavailableError as error:
        return error
