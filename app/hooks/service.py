"""The room put together: hooks, what they want, whether they rest, what operators do with them. Made by main."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from nats.aio.client import Client

from app.delivery.channels.base import Channels
from app.delivery.dispatch import Dispatcher
from app.delivery.ledger.history import History
from app.delivery.service import Surroundings, Work
from app.delivery.settle import Settlement
from app.hooks.matching.judge import Judge
from app.hooks.pauses import Pauses
from app.hooks.questions.dry_run import DryRuns
from app.hooks.questions.explain import Explanations
from app.hooks.registry import Registry
from app.hooks.replays.copying import Desk
from app.hooks.replays.replaying import Replayer
from app.hooks.replays.replays import Replays
from app.hooks.resources import HookResources
from app.hooks.secrets.sealing import Sealing
from app.hooks.subscribe import Matcher
from app.hooks.switch import Switch
from app.hooks.targets import HookTargets
from app.jetstream.publish import Publish
from app.jetstream.read import StreamReader
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces


class HookService:
    """What the rest of the house asks of hooks."""

    def __init__(self, connection: Callable[[], Client | None], replicas: int) -> None:
        """Make the room; `connection` gives the connection to NATS, once there is one."""
        self._replicas = replicas
        self.reader = StreamReader(connection)
        self.sealing = Sealing()
        self.registry = Registry(connection, self.sealing)
        self.pauses = Pauses(connection, self.registry.generation, self.registry.locked)
        self.replays = Replays(connection, self.registry, self.reader)
        self._judge = Judge(self._trip)
        self._pausing: set[asyncio.Task[None]] = set()
        self.targets = HookTargets(self.registry, replicas, self._judge)
        self.resources = HookResources(self.registry, self.pauses)
        self.switch = Switch(self.registry, self.pauses)
        self._drafts = Judge()  # its own: a draft that takes long holds up no hook that is in use
        self.dry_runs = DryRuns(self.reader, self._drafts.wants)
        self.explanations = Explanations(self.registry, self.pauses, self.reader, History(self.reader))

    def surroundings(
        self, publish: Publish, channels: Channels, metrics: Metrics, traces: Traces = OFF
    ) -> Surroundings:
        """What delivery needs to know of hooks."""
        return Surroundings(
            publish=publish,
            channels=channels,
            targets=self.targets,
            ordered=self.targets.ordered,
            ordered_queue=self.targets.queue,
            paused=self.pauses.paused,
            stop=self.pauses.stop,
            stopped=self.replays.is_stopped,
            mask=self.targets.masked,
            metrics=metrics,
            reader=self.reader,
            replicas=self._replicas,
            traces=traces,
        )

    def matcher(
        self,
        dispatcher: Dispatcher,
        settlement: Settlement,
        metrics: Metrics,
        *,
        traces: Traces = OFF,
        canary: str = "",
    ) -> Matcher:
        """What reads the stream; `canary` is the subject of this cluster's canary."""
        return Matcher(self.registry, dispatcher, settlement, metrics, self._judge, traces=traces, canary=canary)

    def replayer(self, publish: Publish, wake: Callable[[str], None]) -> Replayer:
        """What works off replays; `wake` is told the targets that are owed something by them."""
        return Replayer(self.replays, Desk(self.registry, self.reader, publish, self.targets.wants, wake))

    def following(self) -> Iterator[Work]:
        """What keeps the mirrors up to date."""
        yield "following the hooks", self.registry.follow()
        yield "following the pauses", self.pauses.follow()
        yield "following the replays", self.replays.follow()

    def not_ready(self) -> str | None:
        """What has not been read yet, if anything."""
        return self.registry.not_ready() or self.pauses.not_ready() or self.replays.not_ready()

    async def complete(self) -> None:
        """Wait until everything has been read once."""
        await self.registry.complete()
        await self.pauses.complete()
        await self.replays.complete()
        await self.registry.seal_anew()

    def subscribe(self, tell: Callable[[Iterable[str]], None]) -> None:
        """Have the targets told about which something has changed."""
        self.registry.subscribe(tell)
        self.pauses.subscribe(tell)

    def exists(self, namespace: str, name: str) -> bool:
        """Whether there is such a hook, as far as is known; True while in doubt."""
        return not self.registry.is_gone(f"hooks.{namespace}.{name}")

    def close(self) -> None:
        self._judge.close()
        self._drafts.close()

    def _trip(self, target: str, reason: str) -> None:
        """Pause a hook whose keywords keep running out of time."""
        pausing = asyncio.create_task(self.pauses.stop(target, reason, "pattern"))
        self._pausing.add(pausing)
        pausing.add_done_callback(self._pausing.discard)
