"""Where the Kubernetes API is and how this process proves who it is: a kubeconfig, or what a pod is given.

`settings.py` finds it in the environment, `connection.py` loads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from app.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration

Mode = Literal["auto", "on", "off"]

SERVICE_ACCOUNT_FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # the same in every pod
_HOME_FILE: Final = Path("~/.kube/config")

# Imported on first use: it takes half a second and 18 MiB, which a process without Kubernetes is spared.
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

    @property
    def namespace(self) -> str:
        """The pod's namespace; empty outside a pod."""
        file = self.folder / "namespace"
        return file.read_text().strip() if file.is_file() else ""

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
