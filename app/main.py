"""The whole product on one screen: what is made, what it is given, in which order it starts and stops.

faststream run app.main:app
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from nats.aio.client import Client
from starlette.types import ASGIApp

from app import announcement, settings
from app.asyncapi import EventCatalog
from app.background import Background
from app.delivery.channels.base import Channel
from app.delivery.channels.http import make_session
from app.delivery.channels.webhook import Webhook
from app.delivery.dispatch import Dispatcher
from app.delivery.settle import Settlement
from app.embedded import EmbeddedServer
from app.errors import ConfigurationError
from app.hooks.hook import Hook
from app.hooks.registry import Registry
from app.hooks.resources import HookResources
from app.hooks.subscribe import Matcher, subscribe
from app.ingress import documents, openapi
from app.ingress.health import Health
from app.ingress.hooks import HookEndpoints
from app.ingress.operations import Operation, event_operations, health_operations, hook_operations
from app.ingress.publish import PostedEvents
from app.ingress.routes import http_app
from app.jetstream.broker import make_broker
from app.jetstream.publish import JetStreamPublisher, Publish
from app.jetstream.streams import Provisioning
from app.server import OpsApplication
from app.settings import Settings
from app.sources.publish import EventPublishers
from app.telemetry.metrics import Metrics
from app.telemetry.readiness import Readiness

VERSION: Final = "0.1.0"
_DRAIN_SECONDS: Final = 12.0  # a little more than one attempt may take


def create_app(configured: Settings) -> OpsApplication:
    """Make the application. Nothing is opened, started or connected before it runs."""
    broker = make_broker(configured.nats_servers, configured.event_credentials)
    provisioning = Provisioning(configured.event_stream_replicas, applies=configured.embedded)
    publisher, registry, settlement = JetStreamPublisher(), Registry(lambda: broker.client), Settlement()
    channels: dict[str, Channel] = {}
    metrics = Metrics()
    dispatcher = Dispatcher(channels, settlement, metrics)
    matcher = Matcher(registry, dispatcher, settlement, metrics)
    readers = [subscribe(broker, matcher, configured.event_stream_replicas)] if "hooks" in configured.roles else []
    EventPublishers(broker, configured.event_cluster)

    async def read_hooks(_: Client) -> None:
        background.start("following the registry", registry.follow())
        background.start("reporting progress", settlement.report_progress())
        await registry.complete()

    async def stop_reading() -> None:
        for reader in readers:
            await reader.stop()
        await dispatcher.drain(_DRAIN_SECONDS)
        await background.stop()

    app = OpsApplication(
        broker,
        logger=None,
        specification=EventCatalog(title="Ops events", version=VERSION),
        lifespan=partial(_resources, configured, channels),
        after_startup=[lambda: _announce(configured, app)],
        on_shutdown=[stop_reading],
    )
    background = Background(app.fail)
    broker.steps = (publisher.listen, provisioning, read_hooks)
    broker.lost = partial(app.fail, "the connection to NATS ended for good")
    ready = Readiness(nats=broker.not_connected, streams=provisioning.not_ready, hooks=registry.not_ready)
    app.inner = _http(configured, app, _operations(configured, publisher, registry, metrics, ready))
    return app


def _announce(configured: Settings, app: OpsApplication) -> None:
    announcement.show(app.address, configured.where_nats_is, guarded=configured.server_token is not None)


@asynccontextmanager
async def _resources(configured: Settings, channels: dict[str, Channel]) -> AsyncIterator[None]:
    """What is open from before the first connection until after the last."""
    embedded = EmbeddedServer(configured.embedded_folder, configured.embedded_port)
    async with make_session() as session:
        channels["webhook"] = Webhook(session)
        if configured.embedded:
            await embedded.start()
        try:
            yield
        finally:
            await embedded.stop()


def _operations(
    configured: Settings, publish: Publish, registry: Registry, metrics: Metrics, readiness: Readiness
) -> tuple[Operation, ...]:
    health = health_operations(Health(readiness, metrics))
    if "ingress" not in configured.roles:
        return health
    events = PostedEvents(publish, configured.event_cluster, metrics)
    return (*event_operations(events), *hook_operations(HookEndpoints(HookResources(registry))), *health)


def _http(configured: Settings, app: OpsApplication, operations: tuple[Operation, ...]) -> ASGIApp:
    description = openapi.document(operations, {"Hook": Hook.model_json_schema()}, VERSION)
    pages = documents.routes(description, lambda: app.schema.to_specification().to_json())
    return http_app(operations, pages, configured.server_token)


def _load() -> Settings:
    try:
        return settings.load()
    except ConfigurationError as error:
        sys.exit(f"ops-events cannot start: {error}")


app = create_app(_load())
