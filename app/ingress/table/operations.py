"""The table of what is served. Routes (`routes.py`) and the OpenAPI document (`openapi.py`) are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.ingress.health import Health
from app.ingress.hooks import HookEndpoints
from app.ingress.page import MAX_PAGE
from app.ingress.publish import PostedEvents

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: a method on a path, and all that a client needs to know of it."""

    method: str
    path: str  # as Starlette writes it
    endpoint: Endpoint
    name: str  # operationId, unique
    summary: str
    answer: str  # name of the schema of `data` in a success
    success: HTTPStatus = HTTPStatus.OK
    body: str | None = None  # name of the schema of the request's body
    media: Mapping[str, str] | None = None  # the same by media type, where the body is not JSON alone
    body_required: bool = True
    headers: Mapping[str, str] | None = None  # request headers and what they do
    query: tuple[Query, ...] = ()
    express: bool = False  # carries load: served without Starlette's layers
    problems: tuple[HTTPStatus, ...] = ()  # beyond 401 and 403, which everything under /api can answer


NAMESPACE: Final = "/api/v1/namespaces/{namespace}"
_HOOKS: Final = f"{NAMESPACE}/eventhooks"
HOOK: Final = f"{_HOOKS}/{{name}}"
PAGE: Final = (
    Query("page", "From 1.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1}),
    Query("page_size", "Items on a page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}),
)
_SEARCH: Final = Query("search", "A text in the name, type, subject or URL, whatever its case.", {"type": "string"})
BAD_BODY: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def event_operations(events: PostedEvents) -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            "/api/v1/namespaces/{namespace}/events/{event:text}",
            events.post,
            "publishEvent",
            "Publish a JSON object as an event; answers once JetStream keeps it.",
            answer="Stored",
            body="Custom",
            headers={"Idempotency-Key": "Makes a retry harmless: the same key on the same subject is one event."},
            express=True,
            problems=BAD_BODY,
        ),
    )


def hook_operations(hooks: HookEndpoints) -> tuple[Operation, ...]:
    return (*_hook_list_operations(hooks), *_one_hook_operations(hooks))


def _hook_list_operations(hooks: HookEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _HOOKS,
            hooks.list,
            "listHooks",
            "List hooks by name.",
            answer="HookPage",
            query=(_SEARCH, *PAGE),
            problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE),
        ),
        Operation(
            "POST",
            _HOOKS,
            hooks.create,
            "createHook",
            "Create a hook.",
            answer="Hook",
            success=HTTPStatus.CREATED,
            body="Hook",
            problems=(*BAD_BODY, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        ),
    )


def _one_hook_operations(hooks: HookEndpoints) -> tuple[Operation, ...]:
    replacing = (*BAD_BODY, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
    reading = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
    return (
        Operation("GET", HOOK, hooks.read, "readHook", "Read a hook.", "Hook", problems=reading),
        Operation(
            "PUT", HOOK, hooks.replace, "replaceHook", "Replace a hook.", "Hook", body="Hook", problems=replacing
        ),
        Operation(
            "DELETE",
            HOOK,
            hooks.delete,
            "deleteHook",
            "Delete a hook; its events go nowhere from then on.",
            answer="Nothing",
            problems=(*reading, HTTPStatus.UNPROCESSABLE_ENTITY),
        ),
    )


def health_operations(health: Health) -> tuple[Operation, ...]:
    return (
        Operation("GET", "/healthz", health.alive, "alive", "Whether the process lives.", "Alive"),
        Operation(
            "GET",
            "/readyz",
            health.ready,
            "ready",
            "Whether it can take and deliver events, and if not, why.",
            "Ready",
            problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        ),
        Operation("GET", "/metrics", health.metrics, "metrics", "Counters in Prometheus' text format.", "Text"),
    )
