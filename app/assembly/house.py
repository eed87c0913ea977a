"""The rooms of the house, made once and given to each other. Nothing is opened, started or connected here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from app.archive.tails import Tails
from app.cluster import Cluster
from app.delivery.channels.base import Channel
from app.delivery.rooms import Rooms, masked_by
from app.delivery.service import DeliveryService, Surroundings
from app.eyes import Eyes, Seen, Sight
from app.hooks.service import HookService
from app.hooks.subscribe import Matcher, subscribe
from app.ingress.access.token_file import TokenFile
from app.jetstream.broker import PreparedBroker, make_broker
from app.jetstream.publish import JetStreamPublisher
from app.jetstream.read import StreamReader
from app.jetstream.streams import Provisioning
from app.notifications import service as notification_service
from app.notifications.routing.file import ConfigurationFile
from app.notifications.service import NotificationService
from app.settings import Settings
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.service import Outlet, Place
from app.sources.publish import EventPublishers

VERSION: Final = "0.1.0"

Fail = Callable[[str], None]  # ends the process, for a reason that waiting does not mend


class Reader(Protocol):
    """What reads the stream until it is stopped."""

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Core:
    """What every room is given."""

    configured: Settings
    broker: PreparedBroker
    publisher: JetStreamPublisher
    eyes: Eyes
    channels: dict[str, Channel]  # by name; those that need a connection are there while the app is open


@dataclass(frozen=True, slots=True)
class House:
    """The rooms."""

    core: Core
    provisioning: Provisioning
    hooks: HookService
    notifications: NotificationService
    delivery: DeliveryService
    matcher: Matcher
    readers: tuple[Reader, ...]
    tails: Tails
    kubernetes: Connection
    cluster: Cluster | None
    token_file: TokenFile | None
    routes_file: ConfigurationFile | None


def make_house(configured: Settings, fail: Fail) -> House:
    """Make the rooms that a process with these settings has.

    Raises:
        ConfigurationError: a file that the settings name cannot be used.
    """
    core = _core(configured)
    broker, metrics, traces = core.broker, core.eyes.metrics, core.eyes.traces
    hooks = HookService(lambda: broker.client, configured.event_stream_replicas)
    notifications = NotificationService(
        lambda: broker.client, core.publisher, metrics, configured.event_cluster, traces=traces
    )
    around = hooks.surroundings(core.publisher, core.channels, metrics, traces)
    delivery = DeliveryService(_of_both(around, hooks, notifications))
    core.channels.update(notifications.reroute(delivery))
    matcher = hooks.matcher(delivery.dispatcher, delivery.settlement, metrics, traces=traces, canary=core.eyes.canary)
    tails = Tails(StreamReader(lambda: broker.client), ended=metrics.tail_ended)
    kubernetes = Connection(configured.kubernetes_source)
    cluster = _cluster(core, hooks, kubernetes, fail)
    core.eyes.look_at(Seen(broker, delivery, tails, cluster.states if cluster is not None else list))
    return House(
        core=core,
        provisioning=_provisioning(core),
        hooks=hooks,
        notifications=notifications,
        delivery=delivery,
        matcher=matcher,
        readers=(*_readers(core, matcher, notifications, delivery),),
        tails=tails,
        kubernetes=kubernetes,
        cluster=cluster,
        token_file=_token_file(core),
        routes_file=_routes_file(configured, notifications),
    )


def _core(configured: Settings) -> Core:
    sight = Sight(
        VERSION, configured.event_cluster, configured.roles, configured.sampling, canary=configured.canary_seconds
    )
    eyes = Eyes(sight)
    publisher = JetStreamPublisher(hear=eyes.metrics.published, failed=eyes.metrics.unpublished)
    broker = make_broker(configured.access, configured.inbox)
    return Core(configured, broker, publisher, eyes, {})


def _of_both(around: Surroundings, hooks: HookService, notifications: NotificationService) -> Surroundings:
    """What delivery needs to know of the targets of both rooms."""
    room = notification_service.ROOM
    return replace(
        around,
        targets=Rooms({"hooks": hooks.targets, room: notifications.targets}),
        mask=masked_by({"hooks": hooks.targets.masked, room: notifications.masked}),
    )


def _provisioning(core: Core) -> Provisioning:
    configured = core.configured
    return Provisioning(
        configured.event_stream_replicas,
        configured.edges,
        applies=configured.embedded,
        show=core.eyes.metrics.show_drift,
    )


def _readers(
    core: Core, matcher: Matcher, notifications: NotificationService, delivery: DeliveryService
) -> Iterator[Reader]:
    """What reads, in a process with these roles."""
    roles, replicas = core.configured.roles, core.configured.event_stream_replicas
    if "hooks" in roles:
        yield subscribe(core.broker, matcher, replicas)
    if "notifications" in roles:
        yield notifications.readers(core.broker, delivery, replicas)


def _cluster(core: Core, hooks: HookService, kubernetes: Connection, fail: Fail) -> Cluster | None:
    """The Kubernetes side, where there is one; the typed publishers describe their channels in any case."""
    configured, broker = core.configured, core.broker
    count = partial(core.eyes.metrics.stored, "kubernetes")
    publishers = EventPublishers(broker, configured.event_cluster, core.publisher, count, core.eyes.traces)
    outlet = Outlet(publishers, lambda: broker.client, lambda error: fail(f"publishing ended: {error!r}"))
    place = Place(configured.event_cluster, configured.active_namespace, configured.own_namespace)
    return Cluster(kubernetes, hooks, outlet, place) if kubernetes.configured else None


def _token_file(core: Core) -> TokenFile | None:
    file = core.configured.access_file
    return None if file is None else TokenFile(file, core.eyes.metrics.access_file_valid.set)


def _routes_file(configured: Settings, notifications: NotificationService) -> ConfigurationFile | None:
    file = configured.notifications_file
    if file is None:
        return None
    found = ConfigurationFile(file)
    notifications.administration.file = str(file)
    notifications.receivers.expects = True
    return found
