"""The connection to the Kubernetes API: where it is, how this process proves who it is, and what a refusal means.

`main` makes one for the process from KUBERNETES and KUBECONFIG; `secrets.py` reads Secrets over it. Nothing is opened,
and the client's package not even imported, before the first request.

Why raw requests and not the package's `CoreV1Api`: importing that one class takes a second and 115 MiB.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

import aiohttp

from app.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient, Configuration

Mode = Literal["auto", "on", "off"]

SERVICE_ACCOUNT_FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # the same in every pod
_HOME_FILE: Final = Path("~/.kube/config")
_REQUEST_SECONDS: Final = 5.0

# Imported on first use: it takes half a second and 18 MiB, which a process without Kubernetes is spared.
_CLIENT: Final = "kubernetes.aio.client"
_CONFIGURATION: Final = "kubernetes.aio.config"


@dataclass(frozen=True, slots=True)
class KubeConfig:
    """A kubeconfig file; several are separated as in KUBECONFIG."""

    files: str

    def __str__(self) -> str:
        return self.files

    @property
    def present(self) -> bool:
        return any(Path(file).expanduser().is_file() for file in self.files.split(":"))

    async def load(self, into: Configuration) -> None:
        package = import_module(_CONFIGURATION)
        await package.load_kube_config(self.files, client_configuration=into, persist_config=False)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What Kubernetes gives a pod: KUBERNETES_SERVICE_HOST and _PORT, and a folder with a token and a certificate."""

    host: str
    port: str
    folder: Path = SERVICE_ACCOUNT_FOLDER

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def present(self) -> bool:
        return bool(self.host and self.port) and (self.folder / "token").is_file()

    async def load(self, into: Configuration) -> None:
        package = import_module(_CONFIGURATION).incluster_config
        where = {"KUBERNETES_SERVICE_HOST": self.host, "KUBERNETES_SERVICE_PORT": self.port}
        token, authority = str(self.folder / "token"), str(self.folder / "ca.crt")
        package.InClusterConfigLoader(token, authority, environ=where).load_and_set(into)  # reads the token each minute


Source = KubeConfig | ServiceAccount


def find(mode: Mode, kubeconfig: str, pod: ServiceAccount) -> Source | None:
    """Where the configuration comes from: KUBECONFIG before the pod's service account; None: no Kubernetes.

    `auto` takes only what this process was given. `on` looks where kubectl does too, in the home folder: a file there
    speaks of the person, and somebody's production cluster must not be read because a laptop knows it.

    Raises:
        ConfigurationError: Kubernetes must be there, and is nowhere to be found.
    """
    given = (KubeConfig(kubeconfig), pod)
    sources: tuple[Source, ...] = {"off": (), "auto": given, "on": (*given, KubeConfig(str(_HOME_FILE)))}[mode]
    found = next((source for source in sources if source.present), None)
    if mode == "on" and found is None:
        raise ConfigurationError(
            f"KUBERNETES=on, but there is no configuration: no file at KUBECONFIG ({kubeconfig or 'not set'}), no token"
            f" of a service account in {pod}, no {_HOME_FILE}"
        )
    return found


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered."""

    status: int
    body: bytes = field(repr=False)  # may be a Secret


class Permission(NamedTuple):
    """What a request needs: a verb on a resource, in a namespace or (empty) in all."""

    verb: str
    resource: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} in {f'namespace {self.namespace}' if self.namespace else 'all namespaces'}"


def refusal(status: int, needed: Permission) -> UnavailableError:
    """Why the API did not do what was asked of it, and how to mend that."""
    if status == HTTPStatus.UNAUTHORIZED:
        return UnavailableError(
            "the Kubernetes API does not know this process (401): its credentials have to be renewed"
        )
    if status == HTTPStatus.FORBIDDEN:
        binding = "a Role and a RoleBinding there" if needed.namespace else "a ClusterRole and a ClusterRoleBinding"
        return UnavailableError(f"this process may not {needed} (403): give its account the right by {binding}")
    return UnavailableError(f"the Kubernetes API answered {status} to: {needed}")


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
        """The package's own client, for what `get` is too small for.

        Raises:
            UnavailableError: no Kubernetes is configured, or its configuration cannot be used now.
        """
        if self._source is None:
            raise UnavailableError("no Kubernetes is configured: set KUBECONFIG, or run in a pod")
        async with self._connecting:
            if self._client is None:
                package = await asyncio.to_thread(import_module, _CLIENT)  # so long the event loop cannot wait
                configuration = package.Configuration()
                await _configure(configuration, self._source)
                self._client = package.ApiClient(configuration)
            return self._client

    async def get(self, path: str) -> Reply:
        """What the API answers to GET, whatever the status. Credentials that have run out are renewed once.

        Raises:
            UnavailableError: no Kubernetes is configured, or its API does not answer within 5 s.
        """
        client = await self.client()
        reply = await _get(client, path)
        if reply.status == HTTPStatus.UNAUTHORIZED and self._source is not None:
            await _configure(client.configuration, self._source)
            reply = await _get(client, path)
        return reply


async def _configure(configuration: Configuration, source: Source) -> None:
    try:
        await source.load(configuration)
    except Exception as error:  # noqa: BLE001 -- a broken file fails in the package in a dozen ways
        # The errors of YAML show the file's text, which may be a token.
        why = type(error).__name__
        raise UnavailableError(f"the Kubernetes configuration in {source} cannot be used ({why})") from None


async def _get(client: ApiClient, path: str) -> Reply:
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            accept = {"Accept": "application/json"}
            request = await client.param_serialize("GET", path, header_params=accept, auth_settings=["BearerToken"])
            response = await client.call_api(*request)
            return Reply(response.status, await response.response.read())
    except (aiohttp.ClientError, OSError) as error:
        raise UnavailableError(f"the Kubernetes API does not answer ({type(error).__name__})") from None
