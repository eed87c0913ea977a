"""How a target is at this moment, over all processes: each is asked, and their answers are put together.

Core NATS carries question and answers: who is away has no say, and nothing is kept. Asked by `statistics.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from pydantic import TypeAdapter, ValidationError

from app.delivery.breaker import State
from streams.subjects import LIVE

log = logging.getLogger(__name__)

_WINDOW: Final = 0.3  # seconds that answers are waited for
_LULL: Final = 0.1  # seconds without another answer after which all have spoken

# The worst first: a target that is shut off anywhere is in trouble.
_WORST_FIRST: Final[tuple[State, ...]] = ("open", "probing", "closed")


@dataclass(frozen=True, slots=True)
class LiveState:
    """A target as one process sees it. Counts are since that process began; times are Unix seconds, 0: never."""

    breaker: State
    since: float  # when the breaker came to this state
    in_flight: int  # attempts under way
    queued: int  # deliveries that wait in memory for a place
    delivered: int
    failed: int  # attempts
    last_error: str = ""
    last_error_at: float = 0.0
    last_error_status: int | None = None  # the HTTP status, where there was one


@dataclass(frozen=True, slots=True)
class Answer:
    """What one process says; without a state it has had nothing to do with the target."""

    replica: str
    state: LiveState | None


Look = Callable[[str], LiveState | None]

_ANSWER: Final = TypeAdapter(Answer)


class Respondent:
    """Answers for this process. `look` gives the state of a target by its key; `replica` names the process."""

    def __init__(self, replica: str, look: Look) -> None:
        self._replica = replica
        self._look = look

    async def listen(self, client: Client) -> None:
        """Begin to answer on a connection; it outlasts its reconnects."""
        await client.subscribe(f"{LIVE}.>", cb=self._answer)

    async def _answer(self, message: Msg) -> None:
        target = message.subject.removeprefix(f"{LIVE}.")
        with suppress(NatsError):  # who asked waits no longer than its window, and sees that this process is silent
            await message.respond(_ANSWER.dump_json(Answer(self._replica, self._look(target))))


async def ask(client: Client, target: str) -> list[Answer]:
    """What every process says of a target, as far as they answer in time, by the name of the process.

    Raises:
        nats.errors.Error: the connection does not work.
    """
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        await client.publish(f"{LIVE}.{target}", b"", inbox)
        answers = await _answers(subscription)
    finally:
        await subscription.unsubscribe()
    return sorted(answers, key=lambda answer: answer.replica)


async def _answers(subscription: Subscription) -> list[Answer]:
    answers: list[Answer] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(_WINDOW):
            while True:
                message = await subscription.next_msg(timeout=_LULL if answers else _WINDOW)
                if not message.data:  # the server: nobody listens
                    break
                answers += _read(message)
    return answers


def _read(message: Msg) -> list[Answer]:
    try:
        return [_ANSWER.validate_json(message.data)]
    except ValidationError as error:
        log.warning("a process answered %s with something else (%d faults)", message.subject, error.error_count())
        return []


def merged(states: Iterable[LiveState]) -> LiveState | None:
    """One state that stands for all: the worst breaker, the newest error, sums. None where there is nothing."""
    known = sorted(states, key=lambda state: (_WORST_FIRST.index(state.breaker), state.since))
    if not known:
        return None
    newest = max(known, key=lambda state: state.last_error_at)
    return replace(
        known[0],
        in_flight=sum(state.in_flight for state in known),
        queued=sum(state.queued for state in known),
        delivered=sum(state.delivered for state in known),
        failed=sum(state.failed for state in known),
        last_error=newest.last_error,
        last_error_at=newest.last_error_at,
        last_error_status=newest.last_error_status,
    )
