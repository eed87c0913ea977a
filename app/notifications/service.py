"""The room put together: receivers and routes, silences, groups, and what reads notifications. Made by main."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import aiohttp
from faststream.nats import NatsBroker
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.client import Client

from app.delivery.channels.base import Channel
from app.delivery.delivery import Received, Target
from app.delivery.egress.policy import Policy
from app.delivery.park import Parking
from app.delivery.secrets.masks import Masks
from app.delivery.service import DeliveryService, Work
from app.jetstream.publish import Publish
from app.jetstream.read import StreamReader
from app.notifications import channel
from app.notifications.administration import Administration
from app.notifications.channel import HttpServices, Mail, Others
from app.notifications.groups.allowance import Allowance
from app.notifications.groups.collecting import Collector
from app.notifications.groups.forgetting import Forgetting
from app.notifications.groups.handing import Handover
from app.notifications.groups.keeper import Desk as KeeperDesk
from app.notifications.groups.keeper import Keeper
from app.notifications.groups.states import GroupStates
from app.notifications.groups.timers import Look, look
from app.notifications.handing import Ways
from app.notifications.notification import Notification
from app.notifications.receivers import Receivers
from app.notifications.routing.file import ConfigurationFile
from app.notifications.secrets.sealing import Sealing
from app.notifications.senders.apprise import AppriseSender
from app.notifications.senders.email import EmailSender
from app.notifications.silences.endings import Endings
from app.notifications.silences.registry import Silences
from app.notifications.subscribe import Desk, Matcher, subscribe
from app.notifications.unrouted import CHANNEL as REROUTE
from app.notifications.unrouted import UNROUTED, Reroute, Unrouted
from app.telemetry.metrics import Metrics
from app.telemetry.traces import OFF, Traces

Clock = Callable[[], float]
ROOM: Final = "notifications"


class NotificationTargets:
    """Receivers as delivery sees them, and the target of what no route takes."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers

    def target(self, key: str) -> Target | None:
        return UNROUTED if key == UNROUTED.key else self._receivers.target(key)

    def is_gone(self, key: str) -> bool:
        return key != UNROUTED.key and self._receivers.is_gone(key)

    async def confirm_gone(self, key: str) -> bool:
        return key != UNROUTED.key and await self._receivers.confirm_gone(key)

    async def wants(self, key: str, received: Received) -> bool | None:  # noqa: ARG002 -- as `Targets` has it
        return True


class NotificationService:
    """What the rest of the house asks of notifications."""

    def __init__(  # noqa: PLR0913, PLR0917 -- it is where the rooms meet
        self,
        connection: Callable[[], Client | None],
        publish: Publish,
        metrics: Metrics,
        cluster: str,
        clock: Clock = time.time,
        between: Look = look,
        traces: Traces = OFF,
    ) -> None:
        """Make the room.

        Args:
            connection: The connection to NATS, once there is one.
            publish: Stores what is written down.
            metrics: What is counted.
            cluster: The name of this cluster.
            clock: Unix seconds.
            between: From the seconds that something waits in all, to those between two looks at it: clocks may be set.
            traces: What is recorded of a notification's way.
        """
        self._publish, self._metrics, self._cluster = publish, metrics, cluster
        self._clock, self._between, self._traces = clock, between, traces
        self.reader = StreamReader(connection)
        self.sealing = Sealing()
        self.receivers = Receivers(connection, self.sealing)
        self.masked = Masks(self.receivers)
        self.silences = Silences(connection)
        self.targets = NotificationTargets(self.receivers)
        self.endings = Endings(self.silences, publish, cluster, clock)
        self.administration = Administration(self.receivers, self.silences, self.endings, self.reader, clock)
        self._states = GroupStates(connection)
        self._allowance = Allowance(self._states.bucket, clock)
        self._ways = Ways(self.receivers, self._allowance, publish, metrics, self._mutes)

    def channels(self, session: aiohttp.ClientSession, policy: Policy) -> dict[str, Channel]:
        """The channels of receivers: by HTTP over the session, and whatever else where the policy allows."""
        find = self.receivers.receiver
        others: dict[str, Channel] = {
            "email": Mail(EmailSender(policy), find),
            "apprise": Others(AppriseSender(policy), find),
        }
        return channel.channels(HttpServices(session, find), others)

    def reroute(self, delivery: DeliveryService) -> dict[str, Channel]:
        """The channel of what is routed once more."""
        parking = self._parking()
        return {REROUTE: Reroute(self.receivers, self._ways, parking, self._publish, delivery.drains.wake)}

    def readers(self, broker: NatsBroker, delivery: DeliveryService, replicas: int) -> Readers:
        """What reads notifications, and what waits."""
        parking = self._parking()
        unrouted = Unrouted(parking, self._metrics)
        keeper = Keeper(self._keeper_desk(delivery, parking, unrouted))
        matcher = Matcher(
            Desk(
                receivers=self.receivers,
                ways=self._ways,
                unrouted=unrouted,
                dispatcher=delivery.dispatcher,
                settlement=delivery.settlement,
                metrics=self._metrics,
                traces=self._traces,
            )
        )
        return Readers(subscribe(broker, matcher, keeper, replicas), matcher, keeper)

    def _parking(self) -> Parking:
        return Parking(self._publish, metrics=self._metrics, traces=self._traces)

    def _keeper_desk(self, delivery: DeliveryService, parking: Parking, unrouted: Unrouted) -> KeeperDesk:
        handover = Handover(
            receivers=self.receivers,
            allowance=self._allowance,
            parking=parking,
            unrouted=unrouted,
            publish=self._publish,
            wake=delivery.drains.wake,
            metrics=self._metrics,
            cluster=self._cluster,
            traces=self._traces,
        )
        return KeeperDesk(
            states=self._states,
            collect=Collector(self.reader, self._mutes),
            handover=handover,
            settlement=delivery.settlement,
            metrics=self._metrics,
            forgetting=Forgetting(self.reader),
            clock=self._clock,
            mutes=self._mutes,
            other=self.endings,
            between=self._between,
        )

    def following(self, file: ConfigurationFile | None) -> Iterator[Work]:
        """What keeps the mirrors up to date, and the receivers like the file, where there is one."""
        yield "following the receivers", self.receivers.follow()
        yield "following the silences", self.silences.follow()
        if file is not None:
            yield "watching the file of receivers", file.follow(self.receivers)

    def not_ready(self) -> str | None:
        """What has not been read yet, if anything."""
        return self.receivers.not_ready() or self.silences.not_ready()

    async def complete(self) -> None:
        """Wait until everything has been read once."""
        await self.receivers.complete()
        await self.silences.complete()

    def exists(self, name: str) -> bool:
        """Whether there is such a receiver, as far as is known; True while in doubt."""
        current = self.receivers.current()
        return current is None or any(receiver.name == name for receiver in current.configuration.receivers)

    def _mutes(self, said: Notification) -> bool:
        return self.silences.mutes(said, self._clock())


class Readers:
    """What reads in a process with the role `notifications`."""

    def __init__(self, subscribers: tuple[BatchPullStreamSubscriber, ...], matcher: Matcher, keeper: Keeper) -> None:
        self._subscribers = subscribers
        self._matcher = matcher
        self._keeper = keeper

    async def stop(self) -> None:
        """Read nothing more, and finish what was begun."""
        for subscriber in self._subscribers:
            await subscriber.stop()
        await self._matcher.finish()
        await self._keeper.finish()
