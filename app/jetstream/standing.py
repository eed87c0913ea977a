"""How full the streams are, and how far those who read them have come: asked now and again, for the metrics.

A few small questions every quarter of a minute, each of which the server answers from memory; `/metrics` shows the last
answers and asks nothing. What was answered too long ago is not told any more.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from nats.aio.client import Client
from nats.errors import Error as NatsError
from pydantic_core import from_json, to_json

T = TypeVar("T")

log = logging.getLogger(__name__)

EVERY: Final = 15.0  # seconds between two looks
OLD: Final = 4 * EVERY  # seconds after which an answer says nothing any more
_TIMEOUT: Final = 2.0  # seconds that one answer is waited for
_SECOND: Final = 1_000_000_000  # the server's durations are in nanoseconds


@dataclass(frozen=True, slots=True)
class Stream:
    """What a stream holds. Times are Unix seconds."""

    messages: int
    size: int  # bytes
    most_bytes: int | None  # its limit, where there is one
    max_age: float  # seconds; 0: without end
    oldest: float | None  # when its first message was stored


@dataclass(frozen=True, slots=True)
class Queue:
    """How far a durable consumer is."""

    pending: int  # messages that nobody was given yet
    unsettled: int  # that somebody works on, or that were put back
    oldest: float | None  # when the first of them was stored, Unix seconds; None: there are none


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked about: only what this process may ask, by what it has to do."""

    streams: tuple[str, ...] = ()
    queues: tuple[tuple[str, str], ...] = ()  # stream and durable


class Standing:
    """Asks, and remembers the answers."""

    def __init__(self, wanted: Wanted, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = wanted
        self._clock = clock
        self._streams: dict[str, tuple[float, Stream]] = {}
        self._queues: dict[str, tuple[float, Queue]] = {}

    @property
    def streams(self) -> Mapping[str, Stream]:
        """By name; only what is known as of late."""
        return _fresh(self._streams, self._clock() - OLD)

    @property
    def queues(self) -> Mapping[str, Queue]:
        """By the name of the consumer; the same."""
        return _fresh(self._queues, self._clock() - OLD)

    async def run(self, client: Client) -> NoReturn:
        """Ask now and again. Runs until it is cancelled."""
        while True:
            if client.is_connected:  # nats-py would keep each question, and ask them all at its return
                await self.look(client)
            await asyncio.sleep(EVERY)

    async def look(self, client: Client) -> None:
        """Ask once. Who does not answer is left as it was, and forgotten when that is too long ago."""
        for name in self._wanted.streams:
            if (answer := await _asked(client, f"$JS.API.STREAM.INFO.{name}")) is not None:
                self._streams[name] = self._clock(), _stream(answer)
        for stream, name in self._wanted.queues:
            if (answer := await _asked(client, f"$JS.API.CONSUMER.INFO.{stream}.{name}")) is not None:
                self._queues[name] = self._clock(), await _queue(client, stream, answer)


async def _asked(client: Client, question: str) -> Mapping[str, Any] | None:
    """The server's answer; None where there is none, or it is an error."""
    try:
        answer: Mapping[str, Any] = from_json((await client.request(question, timeout=_TIMEOUT)).data)
    except (NatsError, TimeoutError, ValueError) as error:
        log.debug("%s is not answered (%s)", question, type(error).__name__)
        return None
    return None if "error" in answer else answer


def _stream(answer: Mapping[str, Any]) -> Stream:
    config, state = answer["config"], answer["state"]
    return Stream(
        messages=state["messages"],
        size=state["bytes"],
        most_bytes=config["max_bytes"] if config.get("max_bytes", -1) > 0 else None,
        max_age=config.get("max_age", 0) / _SECOND,
        oldest=_seconds(state["first_ts"]) if state["messages"] else None,
    )


async def _queue(client: Client, stream: str, answer: Mapping[str, Any]) -> Queue:
    pending, unsettled = answer["num_pending"], answer["num_ack_pending"]
    oldest = await _oldest(client, stream, answer) if pending or unsettled else None
    return Queue(pending, unsettled, oldest)


async def _oldest(client: Client, stream: str, answer: Mapping[str, Any]) -> float | None:
    """When the first message behind all that is settled was stored."""
    settled = answer["ack_floor"].get("stream_seq", 0)
    wanted = {"seq": settled + 1, "next_by_subj": answer["config"].get("filter_subject") or ">"}
    try:
        found = await client.request(f"$JS.API.DIRECT.GET.{stream}", to_json(wanted), timeout=_TIMEOUT)
    except (NatsError, TimeoutError):
        return None
    stored = (found.headers or {}).get("Nats-Time-Stamp")
    return None if stored is None else _seconds(stored)


def _seconds(time: str) -> float:
    return dt.datetime.fromisoformat(time).timestamp()


def _fresh(known: Mapping[str, tuple[float, T]], since: float) -> dict[str, T]:
    return {name: value for name, (heard, value) in known.items() if heard >= since}
