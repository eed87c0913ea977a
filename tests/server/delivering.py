"""Delivery on a real server, in parts: endpoints with a script, hooks as delivery sees them, and processes of both."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from app.delivery import retry
from app.delivery.arrival import received_of
from app.delivery.backlog import drain, drains, onlooker, probes, repay
from app.delivery.backlog.queues import OrderedQueue
from app.delivery.channels.base import Channel
from app.delivery.delivery import Delivery, Received, Target, delivery_of
from app.delivery.outcome import Delivered, Outcome
from app.delivery.park import headers_of
from app.delivery.retry import Debt
from app.delivery.service import DeliveryService, Surroundings
from app.errors import UnavailableError
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.jetstream import pull
from app.jetstream.ending import end
from app.jetstream.publish import JetStreamPublisher, Stored
from app.jetstream.pull import Pull
from app.jetstream.read import StreamReader
from app.telemetry.metrics import Metrics
from streams.consumers import durable

KEY, OTHER = "hooks.ns.one", "hooks.ns.other"
SECONDS = 10.0  # far more than anything here takes, so that a fault ends a test

Answer = Callable[[Delivery], Outcome]


@dataclasses.dataclass(frozen=True)
class Attempted:
    """An attempt as the endpoint saw it."""

    target: str
    event: str
    number: int  # attempts at this delivery before it
    at: float  # monotonic seconds
    delivery: Delivery
    outcome: Outcome


class Endpoint:
    """A channel that answers by a script, keeps what it was sent, and notes how much of it came at once."""

    def __init__(self, answer: Answer = lambda _: Delivered()) -> None:
        self.answer = answer
        self.open = asyncio.Event()  # while it is not set, nobody gets an answer
        self.open.set()
        self.attempts: list[Attempted] = []
        self.inside = 0
        self.most = 0

    async def send(self, delivery: Delivery) -> Outcome:
        self.inside += 1
        self.most = max(self.most, self.inside)
        began = time.monotonic()
        try:
            await self.open.wait()
            outcome = self.answer(delivery)
        finally:
            self.inside -= 1
        event = delivery.received.event.id
        self.attempts.append(Attempted(delivery.target.key, event, delivery.attempts, began, delivery, outcome))
        return outcome

    def taken(self, key: str = KEY) -> list[str]:
        """The events that it took, in order."""
        return [one.event for one in self.attempts if one.target == key and isinstance(one.outcome, Delivered)]

    def attempts_at(self, event: str) -> list[Attempted]:
        return [one for one in self.attempts if one.event == event]

    async def until_taken(self, events: Iterable[str], key: str = KEY) -> None:
        wanted = set(events)
        await until(lambda: wanted <= set(self.taken(key)))

    async def until_attempts(self, count: int) -> None:
        await until(lambda: len(self.attempts) >= count)


class Hooks:
    """The hooks of all processes, as delivery sees them."""

    def __init__(self, *keys: str) -> None:
        self.known = {key: Target(key, "webhook", "http://user:secret@x/", "", {}) for key in keys or (KEY,)}
        self.gone: set[str] = set()  # as far as the mirror knows
        self.confirmed: Callable[[str], Awaitable[bool]] = self._is_gone
        self.paused: set[str] = set()
        self.stopped: list[tuple[str, str]] = []
        self.verdict: bool | None = True
        self.undecided: set[str] = set()  # events
        self.ordered: dict[str, str] = {}  # subject by target
        self.ends = math.inf
        self.processes: list[Process] = []

    def target(self, key: str) -> Target | None:
        return self.known.get(key)

    def is_gone(self, key: str) -> bool:
        return key in self.gone

    async def confirm_gone(self, key: str) -> bool:
        return await self.confirmed(key)

    async def _is_gone(self, key: str) -> bool:
        return key in self.gone

    async def wants(self, key: str, received: Received) -> bool | None:
        del key, received
        return self.verdict

    def queue(self, key: str) -> OrderedQueue:
        raise NotImplementedError(key)

    def delete(self, key: str = KEY) -> None:
        self.known.pop(key, None)
        self.gone.add(key)
        self.tell(key)

    def pause(self, key: str = KEY) -> None:
        self.paused.add(key)
        self.tell(key)

    def resume(self, key: str = KEY) -> None:
        self.paused.discard(key)
        self.tell(key)

    async def stop(self, key: str, reason: str) -> None:
        self.stopped.append((key, reason))
        self.pause(key)

    def tell(self, key: str) -> None:
        """As the mirrors tell of changes."""
        for process in self.processes:
            process.service.drains.changed(key)

    def deliveries(self, received: Received) -> list[Delivery]:
        """What a matcher would find."""
        undecided = received.event.id in self.undecided
        return [
            dataclasses.replace(delivery_of(received, one), undecided=undecided)
            for one in self.known.values()
            if one.key not in self.ordered
        ]


class Process:
    """One process that matches and delivers."""

    def __init__(self, client: Client, hooks: Hooks, channel: Channel) -> None:
        self.client = client
        self.hooks = hooks
        self.away = False  # JetStream, for what this process writes
        self._publisher = JetStreamPublisher()
        self.service = DeliveryService(
            Surroundings(
                publish=self._publish,
                channels={"webhook": channel},
                targets=hooks,
                ordered=lambda: hooks.ordered,
                ordered_queue=hooks.queue,
                paused=hooks.paused.__contains__,
                stop=hooks.stop,
                stopped=lambda _: False,
                mask=lambda _, text: text,
                metrics=Metrics(),
                reader=StreamReader(lambda: client),
                replicas=1,
            )
        )

    async def listen(self) -> None:
        await self._publisher.listen(self.client)

    async def match(self) -> None:
        """Hand on every event, until cancelled."""
        reading = Pull(self.client, "ops", "hooks")
        await reading.open()
        try:
            while True:
                for message in await reading.batch():
                    await self._submit(message)
        finally:
            await reading.close()

    async def _submit(self, message: Msg) -> None:
        received = received_of(message, cloudevent.read(message.data, message.headers))
        self.service.settlement.begin([message])
        if deliveries := self.hooks.deliveries(received):
            await self.service.dispatcher.submit(message, deliveries)
        else:
            await self.service.settlement.done(message)

    async def _publish(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        if self.away:
            raise UnavailableError("JetStream is away")
        return await self._publisher(subject, payload, headers)


def hasten(patch: Callable[[Any, str, Any], None]) -> None:
    """Make waits so short that tests are quick: their length is other tests' matter."""
    patch(retry, "PROBES", (0.03,))
    patch(retry, "SCHEDULE", (0.05,) * 7)
    patch(probes, "AN_ORIGIN", 0.005)
    patch(repay, "HELD", 0.03)
    for module in (repay, drain):
        patch(module, "FAULT", 0.2)
    patch(drain, "_PROBE", 0.2)
    patch(drains, "LOOK_EVERY", 0.1)
    patch(onlooker, "EVERY", 0.1)
    patch(pull, "_LOOK", 0.1)


@contextlib.asynccontextmanager
async def process(
    client: Client, hooks: Hooks, channel: Channel, *, matches: bool = True, drains: bool = True
) -> AsyncIterator[Process]:
    """A process on a connection of its own, which at the end hands over what it has."""
    own = await nats.connect(client.connected_url.geturl() if client.connected_url else "")
    one = Process(own, hooks, channel)
    await one.listen()
    hooks.processes.append(one)
    work = [asyncio.create_task(task, name=name) for name, task in one.service.work(own, drains=drains)]
    matching = [asyncio.create_task(one.match())] if matches else []
    try:
        yield one
        assert not any(task.done() for task in (*work, *matching)), "what runs beside does not end"
    finally:
        hooks.processes.remove(one)
        await end(matching)
        await one.service.stop(1)
        await end(work)
        await own.close()


async def until(reached: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 -- what happens in other tasks gives no event here
            await asyncio.sleep(0.005)


async def until_so(reached: Callable[[], Awaitable[bool]], seconds: float = SECONDS) -> None:
    """Until the server says so."""
    async with asyncio.timeout(seconds):
        while not await reached():  # noqa: ASYNC110 -- only the server knows
            await asyncio.sleep(0.01)


async def publish(client: Client, *events: str, subject: str = "ops.a") -> list[str]:
    """Store events in `ops`, named by their ids."""
    context = client.jetstream()
    for event in events:
        payload = cloudevent.encode(CloudEvent[Any](id=event, type="Default", subject=subject, data={}))
        await context.publish(subject, payload, headers=cloudevent.headers(event))
    return list(events)


def named(count: int, prefix: str = "e") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


async def park(client: Client, *events: str, key: str = KEY, debt: Debt | None = None, **more: str) -> None:
    """Write down what a target is owed, as another process would have."""
    for event in events:
        envelope = CloudEvent[Any](id=event, type="Default", subject="ops.a", data={})
        received = Received(envelope, cloudevent.encode(envelope), headers=cloudevent.headers(event), subject="ops.a")
        one = delivery_of(received, Target(key, "webhook", "http://x/", "", {}))
        headers = {**headers_of(one, debt or Debt(), "down"), "Nats-Msg-Id": one.id, **more}
        await client.jetstream().publish(f"ops-parked.{key}", received.payload, headers=headers)


async def parked(client: Client, key: str = KEY) -> int:
    """How many messages are in the stream for a target."""
    return await _number(client, "ops-parked", key)


async def letters(client: Client, key: str = KEY) -> int:
    return await _number(client, "ops-dead-letters", key)


async def _number(client: Client, stream: str, key: str) -> int:
    state = (await client.jetstream().stream_info(stream, subjects_filter=f"{stream}.{key}")).state
    return sum((state.subjects or {}).values())


async def newest_parked(client: Client) -> int:
    """The sequence that only parking raises."""
    return (await client.jetstream().stream_info("ops-parked")).state.last_seq


async def owed(client: Client, key: str = KEY) -> int | None:
    """What a target's consumer has yet to see acknowledged; None where there is none."""
    try:
        state = await client.jetstream().consumer_info("ops-parked", durable(key))
    except NatsError:
        return None
    except nats.js.errors.NotFoundError:
        return None
    return (state.num_pending or 0) + (state.num_ack_pending or 0)


async def unsettled(client: Client) -> int:
    """Events of `ops` that the matcher has not acknowledged."""
    state = await client.jetstream().consumer_info("ops", "hooks")
    return (state.num_pending or 0) + (state.num_ack_pending or 0)
