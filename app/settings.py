"""The environment, read once. No other module looks at it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.delivery.egress.policy import Policy
from app.errors import ConfigurationError
from app.events import subject
from app.hooks.secrets import keys
from app.ingress.access import origins
from app.sources.canary import LONGEST
from app.sources.kubernetes.connection import ServiceAccount, Source, find
from app.telemetry import sampling
from app.telemetry.logs import LogSettings
from app.telemetry.sampling import Sampling
from streams import edges
from streams.access import Access
from streams.endpoint import redacted

Role = Literal["ingress", "watch", "hooks", "notifications", "delivery"]
ALL_ROLES: frozenset[Role] = frozenset({"ingress", "watch", "hooks", "notifications", "delivery"})


_LONGEST_CLUSTER: Final = 200  # bytes; a subject of 1,024 holds three names of 256 beside it
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Settings(BaseSettings):
    """What the process is told from outside. Each field is an environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    event_cluster: str = Field(default="default", description="Name of this cluster.")
    event_endpoint: SecretStr | None = Field(default=None, description="NATS URLs, comma-separated; unset: embedded.")
    event_credentials: Path | None = Field(default=None, description="NATS creds file.")
    event_nkey: Path | None = Field(default=None, description="File with the seed of a NATS user's nkey.")
    event_tls_ca: Path | None = Field(default=None, description="PEM file of the authorities that NATS is trusted by.")
    event_tls_cert: Path | None = Field(default=None, description="PEM file of the certificate that NATS is shown.")
    event_tls_key: Path | None = Field(default=None, description="PEM file of its key.")
    event_stream_replicas: Literal[1, 3, 5] = Field(default=1, description="Replicas of streams and buckets.")
    event_edges: str = Field(default="", description="On a hub: the clusters whose events it takes over.")
    server_token: SecretStr | None = Field(default=None, description="Bearer token; unset: loopback clients only.")
    access_file: Path | None = Field(default=None, description="YAML file of tokens and their rights; is watched.")
    notifications_file: Path | None = Field(
        default=None, description="YAML file of the receivers and routes of notifications; is watched."
    )
    cors_origins: str = Field(default="", description="Origins of web pages that may ask, comma-separated, or *.")
    egress_allow: str = Field(
        default="", description="What hooks may connect to beyond the defaults: addresses, networks, names, `private`."
    )
    egress_deny: str = Field(default="", description="The same that they may not connect to; wins over EGRESS_ALLOW.")
    secrets_key: SecretStr | None = Field(
        default=None, description="Fernet keys, comma-separated, that seal the secrets of hooks; the first one seals."
    )
    kubernetes: Literal["auto", "on", "off"] = Field(
        default="auto", description="Whether there is a Kubernetes API: auto looks for KUBECONFIG or a service account."
    )
    kubeconfig: str = Field(default="", description="kubeconfig files, separated by colons.")
    active_namespace: str = Field(default="", description="Watch custom resources in this namespace only; unset: all.")
    kubernetes_service_host: str = Field(default="", description="Set by Kubernetes in a pod.")
    kubernetes_service_port: str = Field(default="", description="Set by Kubernetes in a pod.")
    shutdown_delay: float = Field(
        default=0.0, ge=0, le=300, description="Seconds to go on serving, not ready, after the process was told to end."
    )
    roles: Annotated[frozenset[Role], NoDecode] = ALL_ROLES
    log_format: Literal["json", "text"] | None = Field(
        default=None, description="What lines of the log look like; unset: text at a terminal, else JSON."
    )
    log_level: Literal["debug", "info", "warning", "error", "critical"] | None = Field(
        default=None, description="The least that is logged; unset: what the command line says, info."
    )
    canary_seconds: float = Field(default=60.0, description="Between two canaries, 1 to 100; 0: none.")
    otel_exporter_otlp_endpoint: str = Field(default="", description="Where traces are brought to; unset: none are.")
    otel_exporter_otlp_traces_endpoint: str = Field(default="", description="The same, as the whole URL.")
    otel_exporter_otlp_protocol: Literal["http/protobuf"] = Field(default="http/protobuf", description="How.")
    otel_sdk_disabled: bool = Field(default=False, description="true: no traces.")
    otel_traces_exporter: Literal["otlp", "none"] = Field(default="otlp", description="none: no traces.")
    otel_traces_sampler: str = Field(default="parentbased_always_on", description="Which traces are recorded.")
    otel_traces_sampler_arg: str = Field(default="", description="A ratio, where the sampler takes one.")
    embedded_port: int = Field(default=4222, ge=1, le=65535, description="Port of the embedded nats-server.")
    embedded_folder: Path = Field(default=Path(".data"), description="Folder of the embedded nats-server.")

    @field_validator("event_stream_replicas", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isdigit() else value

    @field_validator("roles", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("event_cluster")
    @classmethod
    def _one_token(cls, value: str) -> str:
        if len(subject.encode(value)) > _LONGEST_CLUSTER:
            raise ValueError(f"must be at most {_LONGEST_CLUSTER} bytes long as a part of subjects: shorten it")
        subject.validate(subject.encode(value))
        return value

    @field_validator("active_namespace")
    @classmethod
    def _is_a_namespace(cls, value: str) -> str:
        if value and not _NAMESPACE.fullmatch(value):
            raise ValueError("must be one namespace: lower-case letters, digits and -, at most 63; unset: all of them")
        return value

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("canary_seconds")
    @classmethod
    def _is_an_interval(cls, value: float) -> float:
        if value and not 1 <= value <= LONGEST:
            raise ValueError(f"must be 1 to {LONGEST:g} seconds, or 0 for no canary")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        _ = self.access.options()
        _ = self.egress
        try:
            _ = self.sampling
        except ValueError as error:
            raise ValueError(f"OTEL_TRACES_SAMPLER: {error}") from None
        try:
            _ = self.edges
        except ValueError as error:
            raise ValueError(f"EVENT_EDGES: {error}") from None
        try:
            _ = self.origins
        except ValueError as error:
            raise ValueError(f"CORS_ORIGINS: {error}") from None
        try:
            _ = self.sealing_keys
        except ValueError as error:
            raise ValueError(f"SECRETS_KEY: {error}") from None
        return self

    @property
    def access(self) -> Access:
        """Where NATS is, and how to get in."""
        if self.event_endpoint is None:
            return Access(f"nats://127.0.0.1:{self.embedded_port}")
        files = (self.event_credentials, self.event_nkey, self.event_tls_ca, self.event_tls_cert, self.event_tls_key)
        return Access(self.event_endpoint.get_secret_value(), *(str(file) if file else None for file in files))

    @property
    def edges(self) -> tuple[str, ...]:
        """The clusters whose events are taken over."""
        return edges.parse(self.event_edges)

    @property
    def inbox(self) -> str:
        """Below which subjects NATS answers: a process of some roles needs no permission to hear those of others."""
        return "_INBOX." + ("all" if self.roles == ALL_ROLES else "-".join(sorted(self.roles)))

    @property
    def where_nats_is(self) -> str:
        """The same for people, without secrets."""
        if self.event_endpoint is None:
            return f"embedded nats-server on port {self.embedded_port}, files in {self.embedded_folder}/"
        return redacted(self.event_endpoint.get_secret_value())

    @property
    def is_guarded(self) -> bool:
        """Whether clients need a token."""
        return self.server_token is not None or self.access_file is not None

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of web pages that may ask."""
        found = origins.parse(self.cors_origins)
        if origins.ANY in found and not self.is_guarded:
            raise ValueError("* lets every page ask, and nobody needs a token: set SERVER_TOKEN or ACCESS_FILE")
        return found

    @property
    def egress(self) -> Policy:
        """Where hooks may connect; to this machine only where everything runs on it."""
        return Policy.parse(self.egress_allow, self.egress_deny, loopback=self.embedded)

    @property
    def sealing_keys(self) -> tuple[str, ...]:
        """What seals the secrets of hooks; none: a key is made."""
        return () if self.secrets_key is None else keys.parse(self.secrets_key.get_secret_value())

    @property
    def kubernetes_source(self) -> Source | None:
        """Where the Kubernetes API is, if there is one."""
        return find(self.kubernetes, self.kubeconfig, self._pod)

    @property
    def own_namespace(self) -> str:
        """The namespace that this process works in: the one that it watches, its pod's, or where Ops is by custom."""
        return self.active_namespace or self._pod.namespace or "ops-system"

    @property
    def _pod(self) -> ServiceAccount:
        return ServiceAccount(self.kubernetes_service_host, self.kubernetes_service_port)

    @property
    def sampling(self) -> Sampling | None:
        """Which traces are recorded; None: tracing is off."""
        where = self.otel_exporter_otlp_endpoint or self.otel_exporter_otlp_traces_endpoint
        if not where or self.otel_sdk_disabled or self.otel_traces_exporter == "none":
            return None
        return sampling.parse(self.otel_traces_sampler, self.otel_traces_sampler_arg)

    def log_settings(self, count: Callable[[str], None]) -> LogSettings:
        """How the log is to be; `count` is told the level of each line."""
        level = None if self.log_level is None else logging.getLevelNamesMapping()[self.log_level.upper()]
        return LogSettings(self.log_format, level, self._secrets, count)

    @property
    def _secrets(self) -> tuple[str, ...]:
        """What must not stand in a log, whoever writes it."""
        token = self.server_token.get_secret_value() if self.server_token is not None else ""
        entering = self.access.options()
        of_nats = (*map(_secret_of, entering["servers"]), entering.get("nkeys_seed_str", ""))
        return tuple(filter(None, (token, *self.sealing_keys, *of_nats)))

    @property
    def embedded(self) -> bool:
        return self.event_endpoint is None


def _secret_of(server: str) -> str:
    """The password of a URL; a user without one is a token."""
    parts = urlsplit(server)
    return parts.password or parts.username or ""


def load() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: a variable has a value that cannot be used; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(problem) for problem in error.errors())) from None


def _explain(problem: ErrorDetails) -> str:
    where = "_".join(str(part).upper() for part in problem["loc"][:1])
    why = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {why}" if where else why
