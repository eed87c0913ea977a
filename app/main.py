"""The whole product on one screen: what is made, what it is given, in which order it starts and stops.

faststream run app.main:app
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from nats.aio.client import Client
from starlette.types import ASGIApp

from app import announcement, settings
from app.archive.query import Events
from app.archive.subjects import Subjects
from app.archive.tails import Tails
from app.asyncapi import EventCatalog
from app.background import Background
from app.cluster import Cluster
from app.delivery.channels.base import Channel
from app.delivery.channels.canary import Canary
from app.delivery.channels.elasticsearch import Elasticsearch
from app.delivery.channels.event import Event
from app.delivery.channels.http import make_session
from app.delivery.channels.webhook import Webhook
from app.delivery.channels.xiezuo import Xiezuo
from app.delivery.egress import Egress
from app.delivery.rooms import Rooms, masked_by
from app.delivery.service import DeliveryService, Surroundings, Work
from app.departure import Departure
from app.embedded import EmbeddedServer
from app.errors import ConfigurationError
from app.eyes import Eyes, Seen, Sight
from app.hooks import keys
from app.hooks.service import HookService
from app.hooks.status import HookWithStatus
from app.hooks.subscribe import Matcher, subscribe
from app.ingress import documents, openapi
from app.ingress.attempts import AttemptEndpoints
from app.ingress.auth import Access
from app.ingress.cloudevents import CloudEvents
from app.ingress.cloudevents_operations import cloudevents_operations
from app.ingress.delivery_operations import attempt_operations, letter_operations, statistics_operations
from app.ingress.health import Health
from app.ingress.hooks import HookEndpoints, Hooks
from app.ingress.intake import Intake
from app.ingress.letters import LetterEndpoints
from app.ingress.notification_operations import (
    of_receivers,
    of_unrouted,
    route_operations,
    silence_operations,
)
from app.ingress.notifications import RouteEndpoints, SilenceEndpoints
from app.ingress.operations import Operation, event_operations, health_operations, hook_operations
from app.ingress.operator_operations import pause_operations, question_operations, replay_operations
from app.ingress.pauses import PauseEndpoints
from app.ingress.publish import PostedEvents
from app.ingress.query import QueryEndpoints
from app.ingress.query_operations import query_operations, subject_operations
from app.ingress.questions import QuestionEndpoints
from app.ingress.replays import ReplayEndpoints
from app.ingress.rights import managing_hooks, managing_notifications
from app.ingress.routes import http_app
from app.ingress.statistics import StatisticsEndpoints
from app.ingress.tail import TailEndpoint
from app.ingress.tail_operations import tail_operations
from app.ingress.target import HookPaths, OnePath, ReceiverPaths
from app.ingress.token_file import TokenFile
from app.jetstream.broker import PreparedBroker, make_broker
from app.jetstream.publish import JetStreamPublisher
from app.jetstream.read import StreamReader
from app.jetstream.streams import Provisioning
from app.notifications import service as notification_service
from app.notifications.configuration import Configuration
from app.notifications.file import ConfigurationFile
from app.notifications.service import NotificationService
from app.notifications.silences import Silence
from app.notifications.unrouted import UNROUTED
from app.server import OpsApplication
from app.settings import Settings
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.secrets import KubernetesSecrets
from app.sources.kubernetes.service import Outlet, Place
from app.sources.publish import EventPublishers
from app.telemetry.metrics import Metrics
from app.telemetry.readiness import Readiness

VERSION: Final = "0.1.0"


class Reader(Protocol):
    """What reads the stream until it is stopped."""

    async def stop(self) -> None: ...


_DRAIN_SECONDS: Final = 12.0  # a little more than one attempt may take
_PUBLISH_SECONDS: Final = 3.0  # what is not done then, the next process does


@dataclass(frozen=True, slots=True)
class _House:
    """What is made once, and given to each other."""

    broker: PreparedBroker
    publisher: JetStreamPublisher
    eyes: Eyes
    channels: dict[str, Channel]
    hooks: HookService
    notifications: NotificationService
    delivery: DeliveryService
    matcher: Matcher


def _house(configured: Settings) -> _House:
    broker = make_broker(configured.access, configured.inbox)
    eyes, channels = Eyes(_sight(configured)), dict[str, Channel]()
    metrics, traces = eyes.metrics, eyes.traces
    publisher = JetStreamPublisher(hear=metrics.published, failed=metrics.unpublished)
    hooks = HookService(lambda: broker.client, configured.event_stream_replicas)
    notifications = NotificationService(
        lambda: broker.client, publisher, metrics, configured.event_cluster, traces=traces
    )
    delivery = DeliveryService(_both(hooks.surroundings(publisher, channels, metrics, traces), hooks, notifications))
    channels.update(notifications.reroute(delivery))
    matcher = hooks.matcher(delivery.dispatcher, delivery.settlement, metrics, traces=traces, canary=eyes.canary)
    return _House(broker, publisher, eyes, channels, hooks, notifications, delivery, matcher)


def _sight(configured: Settings) -> Sight:
    return Sight(
        VERSION, configured.event_cluster, configured.roles, configured.sampling, canary=configured.canary_seconds
    )


def _readers(configured: Settings, house: _House) -> Iterator[Reader]:
    """What reads, in a process with these roles."""
    replicas = configured.event_stream_replicas
    if "hooks" in configured.roles:
        yield subscribe(house.broker, house.matcher, replicas)
    if "notifications" in configured.roles:
        yield house.notifications.readers(house.broker, house.delivery, replicas)


def create_app(configured: Settings) -> OpsApplication:
    """Make the application. Nothing is opened, started or connected before it runs."""
    house = _house(configured)
    broker, publisher, eyes, metrics = house.broker, house.publisher, house.eyes, house.eyes.metrics
    hooks, notifications, delivery = house.hooks, house.notifications, house.delivery
    provisioning = Provisioning(
        configured.event_stream_replicas, configured.edges, applies=configured.embedded, show=metrics.show_drift
    )
    token_file, routes_file = _token_file(configured, metrics), _routes_file(configured, notifications)
    readers = [*_readers(configured, house)]
    tails, queries = _reading(StreamReader(lambda: broker.client), metrics)
    kubernetes = Connection(configured.kubernetes_source)
    cluster = _cluster(configured, house, kubernetes, lambda error: app.fail(f"publishing ended: {error!r}"))
    eyes.look_at(Seen(broker, delivery, tails, cluster.states if cluster is not None else list))

    async def find_keys(_: Client) -> None:
        found = await _sealing_keys(configured, lambda: broker.client)
        hooks.sealing.use(found)
        notifications.sealing.use(found)

    async def begin(client: Client) -> None:
        if token_file is not None:
            background.start("watching the access file", token_file.watch())
        background.start("comparing the streams", provisioning.watch(client))
        background.start_all((*hooks.following(), *notifications.following(routes_file)))
        await hooks.complete()
        await notifications.complete()
        for targets in (hooks, notifications.receivers):
            targets.subscribe(delivery.drains.changed_all)
        background.start_all((*_work(configured, house, client), *eyes.work(client, publisher)))
        if cluster is not None and "watch" in configured.roles:
            background.start_all(cluster.work())

    async def stop() -> None:
        for reader in readers:
            await reader.stop()
        await tails.close()
        await house.matcher.finish()
        await delivery.stop(_DRAIN_SECONDS)
        await background.stop()
        if cluster is not None:
            await cluster.stop(_PUBLISH_SECONDS)
        hooks.close()

    app = OpsApplication(
        broker,
        logger=None,
        specification=EventCatalog(title="Ops events", version=VERSION),
        lifespan=partial(_resources, configured, kubernetes, house),
        after_startup=[lambda: _announce(configured, app)],
        on_shutdown=[stop],
    )
    app.leaving, app.departure = tails.shut, Departure(configured.shutdown_delay)
    app.log_settings = configured.log_settings(metrics.logged)
    background = Background(app.fail)
    broker.steps = (publisher.listen, provisioning, find_keys, begin, delivery.respondent.listen)
    broker.lost = partial(app.fail, "the connection to NATS ended for good")
    ready = Readiness(
        nats=broker.not_connected,
        streams=provisioning.not_ready,
        hooks=hooks.not_ready,
        notifications=notifications.not_ready,
        process=app.departure.not_ready,
    )
    health = Health(ready, metrics, cluster.told if cluster is not None else list)
    resources = cluster.resources if cluster is not None else hooks.resources
    of_events, of_hooks = _of_events(configured, house, tails, queries), _of_hooks(resources, hooks, delivery)
    of_notifications = managing_notifications(_of_notifications(notifications, delivery))
    api = (*of_events, *managing_hooks(of_hooks), *of_notifications) if "ingress" in configured.roles else ()
    access, operations = _access(configured, token_file, metrics), (*api, *health_operations(health))
    app.inner = _http(configured, app, access, operations, metrics)
    return app


def _cluster(
    configured: Settings, house: _House, kubernetes: Connection, fail: Callable[[BaseException], None]
) -> Cluster | None:
    """The Kubernetes side, where there is one; the typed publishers describe their channels in any case."""
    count, broker = partial(house.eyes.metrics.stored, "kubernetes"), house.broker
    publishers = EventPublishers(broker, configured.event_cluster, house.publisher, count, house.eyes.traces)
    outlet = Outlet(publishers, lambda: broker.client, fail)
    place = Place(configured.event_cluster, configured.active_namespace, configured.own_namespace)
    return Cluster(kubernetes, house.hooks, outlet, place) if kubernetes.configured else None


def _work(configured: Settings, house: _House, client: Client) -> Iterator[Work]:
    """What runs beside the readers, in a process with these roles."""
    drains = "delivery" in configured.roles
    yield from house.delivery.work(client, drains=drains)
    if drains:
        yield "replaying", house.hooks.replayer(house.publisher, house.delivery.drains.wake).run()


def _both(around: Surroundings, hooks: HookService, notifications: NotificationService) -> Surroundings:
    """What delivery needs to know of the targets of both rooms."""
    room = notification_service.ROOM
    return replace(
        around,
        targets=Rooms({"hooks": hooks.targets, room: notifications.targets}),
        mask=masked_by({"hooks": hooks.targets.masked, room: notifications.masked}),
    )


def _routes_file(configured: Settings, notifications: NotificationService) -> ConfigurationFile | None:
    if configured.notifications_file is None:
        return None
    found = ConfigurationFile(configured.notifications_file)
    notifications.administration.file = str(configured.notifications_file)
    notifications.receivers.expects = True
    return found


async def _sealing_keys(configured: Settings, connection: Callable[[], Client | None]) -> Sequence[str]:
    given = configured.sealing_keys
    if configured.embedded:
        return await keys.in_folder(given, configured.embedded_folder)
    return await keys.in_nats(given, connection)


def _announce(configured: Settings, app: OpsApplication) -> None:
    announcement.show(app.address, configured.where_nats_is, guarded=configured.is_guarded)


@asynccontextmanager
async def _resources(configured: Settings, kubernetes: Connection, house: _House) -> AsyncIterator[None]:
    """What is open from before the first connection until after the last."""
    embedded = EmbeddedServer(configured.embedded_folder, configured.embedded_port)
    connector = Egress(configured.egress).connector()
    async with house.eyes.open(), make_session(connector) as session, kubernetes:
        house.channels.update(
            webhook=Webhook(session, KubernetesSecrets(kubernetes)),
            xiezuo=Xiezuo(session),
            event=Event(house.publisher),
            elasticsearch=Elasticsearch(session),
            canary=Canary(house.eyes.metrics),
            **house.notifications.channels(session, configured.egress),
        )
        if configured.embedded:
            await embedded.start()
        try:
            yield
        finally:
            await embedded.stop()


def _reading(reader: StreamReader, metrics: Metrics) -> tuple[Tails, QueryEndpoints]:
    """What reads the stream for people."""
    return Tails(reader, ended=metrics.tail_ended), QueryEndpoints(Subjects(reader), Events(reader))


def _of_events(configured: Settings, house: _House, tails: Tails, queries: QueryEndpoints) -> tuple[Operation, ...]:
    """A tail's path is also that of a query, whose filter may be any text: the tail comes first."""
    publisher, metrics, traces = house.publisher, house.eyes.metrics, house.eyes.traces
    events = PostedEvents(Intake(publisher, metrics, "http", traces), configured.event_cluster)
    return (
        *event_operations(events),
        *cloudevents_operations(CloudEvents(publisher, metrics, traces)),
        *subject_operations(queries),
        *tail_operations(TailEndpoint(tails)),
        *query_operations(queries),
    )


def _of_notifications(notifications: NotificationService, delivery: DeliveryService) -> tuple[Operation, ...]:
    administration, paths = notifications.administration, ReceiverPaths(notifications.exists)
    of_deliveries = (
        *attempt_operations(AttemptEndpoints(delivery.history, paths)),
        *letter_operations(LetterEndpoints(delivery.letters, paths)),
        *statistics_operations(StatisticsEndpoints(delivery.statistics, lambda _: None, paths)),
    )
    return (
        *route_operations(RouteEndpoints(administration)),
        *silence_operations(SilenceEndpoints(administration)),
        *of_receivers(of_deliveries),
        *of_unrouted(letter_operations(LetterEndpoints(delivery.letters, OnePath(UNROUTED.key)))),
    )


def _of_hooks(resources: Hooks, hooks: HookService, delivery: DeliveryService) -> tuple[Operation, ...]:
    paths = HookPaths(hooks.exists)
    return (
        *hook_operations(HookEndpoints(resources)),
        *pause_operations(PauseEndpoints(hooks.switch)),
        *replay_operations(ReplayEndpoints(hooks.replays)),
        *question_operations(QuestionEndpoints(hooks.dry_runs, hooks.explanations)),
        *attempt_operations(AttemptEndpoints(delivery.history, paths)),
        *letter_operations(LetterEndpoints(delivery.letters, paths)),
        *statistics_operations(StatisticsEndpoints(delivery.statistics, hooks.pauses.get, paths)),
    )


def _access(configured: Settings, file: TokenFile | None, metrics: Metrics) -> Access:
    return Access(configured.server_token, file, lambda why: metrics.access_refused.labels(why).inc())


def _token_file(configured: Settings, metrics: Metrics) -> TokenFile | None:
    if configured.access_file is None:
        return None
    return TokenFile(configured.access_file, metrics.access_file_valid.set)


def _http(
    configured: Settings, app: OpsApplication, access: Access, operations: tuple[Operation, ...], metrics: Metrics
) -> ASGIApp:
    schemas = {
        "Hook": HookWithStatus.model_json_schema(),
        "Notifications": Configuration.model_json_schema(),
        "Silence": Silence.model_json_schema(),
    }
    description = openapi.document(operations, schemas, VERSION)
    pages = documents.routes(description, lambda: app.schema.to_specification().to_json())
    return http_app(operations, pages, access, configured.origins, metrics.answered)


def _make() -> OpsApplication:
    try:
        return create_app(settings.load())
    except ConfigurationError as error:
        sys.exit(f"ops-events cannot start: {error}")


app = _make()
