"""The whole product on one screen: what is made, what it is given, in which order it starts and stops.

faststream run app.main:app
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

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
from app.delivery.channels.elasticsearch import Elasticsearch
from app.delivery.channels.event import Event
from app.delivery.channels.http import make_session
from app.delivery.channels.webhook import Webhook
from app.delivery.channels.xiezuo import Xiezuo
from app.delivery.egress import Egress
from app.delivery.service import DeliveryService
from app.embedded import EmbeddedServer
from app.errors import ConfigurationError
from app.hooks import keys
from app.hooks.service import HookService
from app.hooks.status import HookWithStatus
from app.hooks.subscribe import subscribe
from app.ingress import documents, openapi
from app.ingress.attempts import AttemptEndpoints
from app.ingress.auth import Access
from app.ingress.cloudevents import CloudEvents
from app.ingress.cloudevents_operations import cloudevents_operations
from app.ingress.delivery_operations import attempt_operations, letter_operations, statistics_operations
from app.ingress.health import Health
from app.ingress.hooks import HookEndpoints, Hooks
from app.ingress.letters import LetterEndpoints
from app.ingress.operations import Operation, event_operations, health_operations, hook_operations
from app.ingress.operator_operations import pause_operations, question_operations, replay_operations
from app.ingress.pauses import PauseEndpoints
from app.ingress.publish import PostedEvents
from app.ingress.query import QueryEndpoints
from app.ingress.query_operations import query_operations, subject_operations
from app.ingress.questions import QuestionEndpoints
from app.ingress.replays import ReplayEndpoints
from app.ingress.rights import managing_hooks
from app.ingress.routes import http_app
from app.ingress.statistics import StatisticsEndpoints
from app.ingress.tail import TailEndpoint
from app.ingress.tail_operations import tail_operations
from app.ingress.token_file import TokenFile
from app.jetstream.broker import make_broker
from app.jetstream.publish import JetStreamPublisher, Publish
from app.jetstream.read import StreamReader
from app.jetstream.streams import Provisioning
from app.server import OpsApplication
from app.settings import Settings
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.secrets import KubernetesSecrets
from app.sources.kubernetes.service import Outlet, Place
from app.sources.publish import EventPublishers
from app.telemetry.metrics import Metrics
from app.telemetry.readiness import Readiness

VERSION: Final = "0.1.0"
_DRAIN_SECONDS: Final = 12.0  # a little more than one attempt may take
_PUBLISH_SECONDS: Final = 3.0  # what is not done then, the next process does


def create_app(configured: Settings) -> OpsApplication:
    """Make the application. Nothing is opened, started or connected before it runs."""
    broker = make_broker(configured.nats_servers, configured.event_credentials)
    provisioning = Provisioning(configured.event_stream_replicas, applies=configured.embedded)
    publisher, metrics, channels = JetStreamPublisher(), Metrics(), dict[str, Channel]()
    token_file = _token_file(configured, metrics)
    hooks = HookService(lambda: broker.client, configured.event_stream_replicas)
    delivery = DeliveryService(hooks.surroundings(publisher, channels, metrics))
    matcher = hooks.matcher(delivery.dispatcher, delivery.settlement, metrics)
    readers = [subscribe(broker, matcher, configured.event_stream_replicas)] if "hooks" in configured.roles else []
    publishers = EventPublishers(broker, configured.event_cluster, publisher)
    tails, queries = _reading(StreamReader(lambda: broker.client))
    kubernetes = Connection(configured.kubernetes_source)
    outlet = Outlet(publishers, lambda: broker.client, lambda error: app.fail(f"publishing ended: {error!r}"))
    place = Place(configured.event_cluster, configured.active_namespace, configured.own_namespace)
    cluster = Cluster(kubernetes, hooks, outlet, place) if kubernetes.configured else None

    async def find_keys(_: Client) -> None:
        hooks.sealing.use(await _sealing_keys(configured, lambda: broker.client))

    async def begin(client: Client) -> None:
        if token_file is not None:
            background.start("watching the access file", token_file.watch())
        background.start_all(hooks.following())
        await hooks.complete()
        hooks.subscribe(delivery.drains.changed_all)
        drains = "delivery" in configured.roles
        background.start_all(delivery.work(client, drains=drains))
        if drains:
            background.start("replaying", hooks.replayer(publisher, delivery.drains.wake).run())
        if cluster is not None and "watch" in configured.roles:
            background.start_all(cluster.work())

    async def stop() -> None:
        for reader in readers:
            await reader.stop()
        await tails.close()
        await matcher.finish()
        await delivery.stop(_DRAIN_SECONDS)
        await background.stop()
        if cluster is not None:
            await cluster.stop(_PUBLISH_SECONDS)
        hooks.close()

    app = OpsApplication(
        broker,
        logger=None,
        specification=EventCatalog(title="Ops events", version=VERSION),
        lifespan=partial(_resources, configured, kubernetes, publisher, channels),
        after_startup=[lambda: _announce(configured, app)],
        on_shutdown=[stop],
    )
    app.leaving = tails.shut
    background = Background(app.fail)
    broker.steps = (publisher.listen, provisioning, find_keys, begin, delivery.respondent.listen)
    broker.lost = partial(app.fail, "the connection to NATS ended for good")
    ready = Readiness(nats=broker.not_connected, streams=provisioning.not_ready, hooks=hooks.not_ready)
    events, cloudevents = PostedEvents(publisher, configured.event_cluster, metrics), CloudEvents(publisher, metrics)
    health = Health(ready, metrics, cluster.told if cluster is not None else list)
    resources = cluster.resources if cluster is not None else hooks.resources
    of_events, of_hooks = _of_events(events, cloudevents, tails, queries), _of_hooks(resources, hooks, delivery)
    api = (*of_events, *managing_hooks(of_hooks)) if "ingress" in configured.roles else ()
    app.inner = _http(configured, app, _access(configured, token_file, metrics), (*api, *health_operations(health)))
    return app


async def _sealing_keys(configured: Settings, connection: Callable[[], Client | None]) -> Sequence[str]:
    given = configured.sealing_keys
    if configured.embedded:
        return await keys.in_folder(given, configured.embedded_folder)
    return await keys.in_nats(given, connection)


def _announce(configured: Settings, app: OpsApplication) -> None:
    announcement.show(app.address, configured.where_nats_is, guarded=configured.is_guarded)


@asynccontextmanager
async def _resources(
    configured: Settings, kubernetes: Connection, publish: Publish, channels: dict[str, Channel]
) -> AsyncIterator[None]:
    """What is open from before the first connection until after the last."""
    embedded = EmbeddedServer(configured.embedded_folder, configured.embedded_port)
    connector = Egress(configured.egress).connector()
    async with make_session(connector) as session, kubernetes:
        channels.update(
            webhook=Webhook(session, KubernetesSecrets(kubernetes)),
            xiezuo=Xiezuo(session),
            event=Event(publish),
            elasticsearch=Elasticsearch(session),
        )
        if configured.embedded:
            await embedded.start()
        try:
            yield
        finally:
            await embedded.stop()


def _reading(reader: StreamReader) -> tuple[Tails, QueryEndpoints]:
    """What reads the stream for people."""
    return Tails(reader), QueryEndpoints(Subjects(reader), Events(reader))


def _of_events(
    events: PostedEvents, cloudevents: CloudEvents, tails: Tails, queries: QueryEndpoints
) -> tuple[Operation, ...]:
    """A tail's path is also that of a query, whose filter may be any text: the tail comes first."""
    return (
        *event_operations(events),
        *cloudevents_operations(cloudevents),
        *subject_operations(queries),
        *tail_operations(TailEndpoint(tails)),
        *query_operations(queries),
    )


def _of_hooks(resources: Hooks, hooks: HookService, delivery: DeliveryService) -> tuple[Operation, ...]:
    return (
        *hook_operations(HookEndpoints(resources)),
        *pause_operations(PauseEndpoints(hooks.switch)),
        *replay_operations(ReplayEndpoints(hooks.replays)),
        *question_operations(QuestionEndpoints(hooks.dry_runs, hooks.explanations)),
        *attempt_operations(AttemptEndpoints(delivery.history, hooks.exists)),
        *letter_operations(LetterEndpoints(delivery.letters, hooks.exists)),
        *statistics_operations(StatisticsEndpoints(delivery.statistics, hooks.pauses.get, hooks.exists)),
    )


def _access(configured: Settings, file: TokenFile | None, metrics: Metrics) -> Access:
    return Access(configured.server_token, file, lambda why: metrics.access_refused.labels(why).inc())


def _token_file(configured: Settings, metrics: Metrics) -> TokenFile | None:
    if configured.access_file is None:
        return None
    return TokenFile(configured.access_file, metrics.access_file_valid.set)


def _http(configured: Settings, app: OpsApplication, access: Access, operations: tuple[Operation, ...]) -> ASGIApp:
    description = openapi.document(operations, {"Hook": HookWithStatus.model_json_schema()}, VERSION)
    pages = documents.routes(description, lambda: app.schema.to_specification().to_json())
    return http_app(operations, pages, access, configured.origins)


def _make() -> OpsApplication:
    try:
        return create_app(settings.load())
    except ConfigurationError as error:
        sys.exit(f"ops-events cannot start: {error}")


app = _make()
