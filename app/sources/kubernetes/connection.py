"""The connection to the Kubernetes API: over it `secrets.py`, `objects.py` and `watch.py` read and write.

`main` makes one for the process from KUBERNETES and KUBECONFIG; where that leads stands in `configuration.py`, and
what a refusal means in `answers.py`. Nothing is opened, and the client's package not even imported, before the first
request.

Why raw requests and not the package's `CoreV1Api`: importing that one class takes a second and 115 MiB.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import aiohttp

from app.errors import UnavailableError
from app.sources.kubernetes.answers import Permission, Reply, Stream, refusal
from app.sources.kubernetes.configuration import (
    SERVICE_ACCOUNT_FOLDER,
    KubeConfig,
    Mode,
    ServiceAccount,
    Source,
    find,
)

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

__all__ = [
    "SERVICE_ACCOUNT_FOLDER",
    "Connection",
    "KubeConfig",
    "Mode",
    "Permission",
    "Reply",
    "ServiceAccount",
    "Source",
    "Stream",
    "find",
    "refusal",
]

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_REQUEST_SECONDS: Final = 5.0
_AT_ONCE: Final = 64  # connections: each watch keeps one, and the requests share the rest

_NO_LIMITS: Final = aiohttp.ClientTimeout()  # the package's own is 5 min
_JSON: Final = "application/json"

# Imported on first use: it takes half a second and 18 MiB, which a process without Kubernetes is spared.
_CLIENT: Final = "kubernetes.aio.client"


@dataclass(frozen=True, slots=True)
class _Request:
    method: Method
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    content_type: str = _JSON
    limits: aiohttp.ClientTimeout = _NO_LIMITS


class Connection:
    """A client of the API, made on first use. To be closed, or used as an asynchronous context."""

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self._client: ApiClient | None = None
        self._connecting = asyncio.Lock()

    @property
    def configured(self) -> bool:
        return self._source is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.rest_client.close()

    async def client(self) -> ApiClient:
        """The package's own client, for what the methods here are too small for.

        Raises:
            UnavailableError: no Kubernetes is configured, or its configuration cannot be used now.
        """
        async with self._connecting:
            if self._client is None:
                self._client = await _client(self._given())
            return self._client

    async def get(self, path: str, seconds: float | None = None) -> Reply:
        """What the API answers to GET, whatever the status. Credentials that have run out are renewed once.

        Raises:
            UnavailableError: no Kubernetes is configured, or its API has not answered in full in so many seconds (5).
        """
        return await self._reply(_Request("GET", path), seconds or _REQUEST_SECONDS)

    async def send(
        self, method: Method, path: str, body: Mapping[str, Any] | None = None, content_type: str = _JSON
    ) -> Reply:
        """What the API answers to a request, whatever the status. Credentials that have run out are renewed once.

        Args:
            method: What is to be done.
            path: To what, with the query.
            body: Is sent as JSON.
            content_type: How the body is meant: a patch has several ways.

        Raises:
            UnavailableError: no Kubernetes is configured, or its API has not answered within 5 s: it may have done
                what was asked.
        """
        return await self._reply(_Request(method, path, body, content_type), _REQUEST_SECONDS)

    @asynccontextmanager
    async def stream(self, path: str, silence: float) -> AsyncIterator[Stream]:
        """What the API answers to GET, whatever the status, as it comes; left early, the connection is closed.

        Credentials that have run out are renewed once.

        Args:
            path: Where, with the query.
            silence: Seconds without a byte after which the answer has ended.

        Raises:
            UnavailableError: no Kubernetes is configured, or its API does not answer.
        """
        limits = aiohttp.ClientTimeout(connect=_REQUEST_SECONDS, sock_read=silence)
        client = await self.client()
        with _answering():
            response = await self._response(client, _Request("GET", path, limits=limits))
        try:
            yield Stream(response)
        finally:
            response.close()

    async def _reply(self, request: _Request, seconds: float) -> Reply:
        client = await self.client()
        with _answering():
            async with asyncio.timeout(seconds):
                response = await self._response(client, request)
                return Reply(response.status, await response.read(), response.headers)

    async def _response(self, client: ApiClient, request: _Request) -> aiohttp.ClientResponse:
        """The beginning of the answer."""
        response = await self._sent(client, request)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response.release()
            with _using(source := self._given()):
                await source.load(client.configuration)
            response = await self._sent(client, request)
        return response

    async def _sent(self, client: ApiClient, request: _Request) -> aiohttp.ClientResponse:
        headers = {"Accept": _JSON} | ({} if request.body is None else {"Content-Type": request.content_type})
        with _using(self._given()):  # a token is read again from time to time
            method, url, headers, *_ = await client.param_serialize(
                request.method, request.path, header_params=headers, auth_settings=["BearerToken"]
            )
        body = None if request.body is None else dict(request.body)
        answer = await client.call_api(method, url, headers, body, _request_timeout=request.limits)
        response: aiohttp.ClientResponse = answer.response
        return response

    def _given(self) -> Source:
        if self._source is None:
            raise UnavailableError("no Kubernetes is configured: set KUBECONFIG, or run in a pod")
        return self._source


async def _client(source: Source) -> ApiClient:
    package = await asyncio.to_thread(import_module, _CLIENT)  # so long the event loop cannot wait
    configuration = package.Configuration()
    configuration.connection_pool_maxsize = _AT_ONCE
    with _using(source):
        await source.load(configuration)
        client: ApiClient = package.ApiClient(configuration)
    return client


@contextmanager
def _using(source: Source) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- a broken configuration fails in the package in a dozen ways
        # The errors of YAML show the file's text, which may be a token.
        why = type(error).__name__
        raise UnavailableError(f"the Kubernetes configuration in {source} cannot be used ({why})") from None


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise UnavailableError(f"the Kubernetes API does not answer ({type(error).__name__})") from None
