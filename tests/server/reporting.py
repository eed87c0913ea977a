"""Rounds of reporting in the hands of a test: what is counted, seconds that pass, and what a status says then."""

from __future__ import annotations

from nats.aio.client import Client

from app.delivery.ledger.counts import Counts
from app.delivery.ledger.writer import AttemptLedger
from app.delivery.outcome import Outcome
from app.delivery.records import Attempt
from app.hooks.kubernetes import reporter as status_reporter
from app.jetstream.publish import JetStreamPublisher
from app.telemetry.metrics import Metrics
from tests.kubernetes import EVENTHOOKS, ApiServer, Object
from tests.server.buckets import until
from tests.server.mirrors import Side, resource

TARGET = "hooks.ns.one"


class Clock:
    """Seconds, as a test lets them pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def count(client: Client, *outcomes: Outcome, target: str = TARGET, dead_letters: int = 0) -> None:
    """What a process writes down of attempts, and of deliveries that it gave up."""
    publisher, counts = JetStreamPublisher(), Counts()
    await publisher.listen(client)
    ledger = AttemptLedger(publisher, counts, Metrics(), lambda _, text: text)
    for number, outcome in enumerate(outcomes):
        ledger.record(Attempt(target, f"d{number}", f"e{number}", "ops.a", number, 1000.0, 0.5, 1, outcome))
    if dead_letters:
        counts.add("dead-letters", target, dead_letters)
    await ledger.close(10)


async def report(here: Side, clock: Clock, seconds: float = status_reporter.EVERY) -> None:
    """A round, some time after the last one."""
    clock.now += seconds
    here.custom.reporter._clock = clock
    await here.custom.reporter.report()


async def seen(here: Side, api: ApiServer, name: str = "one") -> None:
    """Until the watch has told of the last change."""
    version = api.get(EVENTHOOKS, "ns", name)["metadata"]["resourceVersion"]
    originals = here.custom.reporter._originals
    await until(lambda: (known := originals.get(f"ns.{name}")) is not None and known.version == version)


def status(api: ApiServer, name: str = "one") -> Object:
    found: Object = api.get(EVENTHOOKS, "ns", name).get("status", {})
    return found


def ready(api: ApiServer, name: str = "one") -> Object:
    (condition,) = status(api, name)["conditions"]
    found: Object = condition
    return found


def patches(api: ApiServer) -> int:
    return sum(call.verb == "patch" for call in api.calls)


async def in_force(here: Side, api: ApiServer, *names: str) -> None:
    for name in names or ("one",):
        api.create(EVENTHOOKS, resource(name))
    for name in names or ("one",):
        await here.until_in_force("ops.a", name)
