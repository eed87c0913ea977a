"""The front door: what is served over HTTP, and who is let in."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp

from app.archive.query import Events
from app.archive.subjects import Subjects
from app.assembly.house import VERSION, House
from app.departure import Departure
from app.hooks.status import HookWithStatus
from app.ingress import documents
from app.ingress.access.auth import Access
from app.ingress.access.rights import managing_hooks, managing_notifications
from app.ingress.attempts import AttemptEndpoints
from app.ingress.cloudevents import CloudEvents
from app.ingress.health import Health
from app.ingress.hooks import HookEndpoints
from app.ingress.intake import Intake
from app.ingress.letters import LetterEndpoints
from app.ingress.notifications import RouteEndpoints, SilenceEndpoints
from app.ingress.pauses import PauseEndpoints
from app.ingress.publish import PostedEvents
from app.ingress.query import QueryEndpoints
from app.ingress.questions import QuestionEndpoints
from app.ingress.replays import ReplayEndpoints
from app.ingress.statistics import StatisticsEndpoints
from app.ingress.table import openapi
from app.ingress.table.cloudevents_operations import cloudevents_operations
from app.ingress.table.delivery_operations import attempt_operations, letter_operations, statistics_operations
from app.ingress.table.notification_operations import (
    of_receivers,
    of_unrouted,
    route_operations,
    silence_operations,
)
from app.ingress.table.operations import Operation, event_operations, health_operations, hook_operations
from app.ingress.table.operator_operations import pause_operations, question_operations, replay_operations
from app.ingress.table.query_operations import query_operations, subject_operations
from app.ingress.table.routes import http_app
from app.ingress.table.tail_operations import tail_operations
from app.ingress.tail import TailEndpoint
from app.ingress.target import HookPaths, OnePath, ReceiverPaths
from app.jetstream.read import StreamReader
from app.notifications.routing.configuration import Configuration
from app.notifications.silences.registry import Silence
from app.notifications.unrouted import UNROUTED
from app.telemetry.readiness import Readiness

SCHEMAS = {
    "Hook": HookWithStatus.model_json_schema(),
    "Notifications": Configuration.model_json_schema(),
    "Silence": Silence.model_json_schema(),
}


def make_door(house: House, departure: Departure, asyncapi: Callable[[], str]) -> ASGIApp:
    """The HTTP application of a house; `asyncapi` gives the document of its events, as JSON."""
    configured, metrics = house.core.configured, house.core.eyes.metrics
    operations = (*(_api(house) if "ingress" in configured.roles else ()), *_of_health(house, departure))
    pages = documents.routes(openapi.document(operations, SCHEMAS, VERSION), asyncapi)
    access = Access(configured.server_token, house.token_file, lambda why: metrics.access_refused.labels(why).inc())
    return http_app(operations, pages, access, configured.origins, metrics.answered)


def _api(house: House) -> tuple[Operation, ...]:
    return (
        *_of_events(house),
        *managing_hooks(_of_hooks(house)),
        *managing_notifications(_of_notifications(house)),
    )


def _of_health(house: House, departure: Departure) -> tuple[Operation, ...]:
    ready = Readiness(
        nats=house.core.broker.not_connected,
        streams=house.provisioning.not_ready,
        hooks=house.hooks.not_ready,
        notifications=house.notifications.not_ready,
        process=departure.not_ready,
    )
    watches = house.cluster.told if house.cluster is not None else list
    return health_operations(Health(ready, house.core.eyes.metrics, watches))


def _of_events(house: House) -> tuple[Operation, ...]:
    """A tail's path is also that of a query, whose filter may be any text: the tail comes first."""
    core, reader = house.core, StreamReader(lambda: house.core.broker.client)
    metrics, traces = core.eyes.metrics, core.eyes.traces
    queries = QueryEndpoints(Subjects(reader), Events(reader))
    events = PostedEvents(Intake(core.publisher, metrics, "http", traces), core.configured.event_cluster)
    return (
        *event_operations(events),
        *cloudevents_operations(CloudEvents(core.publisher, metrics, traces)),
        *subject_operations(queries),
        *tail_operations(TailEndpoint(house.tails)),
        *query_operations(queries),
    )


def _of_hooks(house: House) -> tuple[Operation, ...]:
    hooks, delivery, paths = house.hooks, house.delivery, HookPaths(house.hooks.exists)
    resources = house.cluster.resources if house.cluster is not None else hooks.resources
    return (
        *hook_operations(HookEndpoints(resources)),
        *pause_operations(PauseEndpoints(hooks.switch)),
        *replay_operations(ReplayEndpoints(hooks.replays)),
        *question_operations(QuestionEndpoints(hooks.dry_runs, hooks.explanations)),
        *attempt_operations(AttemptEndpoints(delivery.history, paths)),
        *letter_operations(LetterEndpoints(delivery.letters, paths)),
        *statistics_operations(StatisticsEndpoints(delivery.statistics, hooks.pauses.get, paths)),
    )


def _of_notifications(house: House) -> tuple[Operation, ...]:
    administration, delivery = house.notifications.administration, house.delivery
    paths = ReceiverPaths(house.notifications.exists)
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
