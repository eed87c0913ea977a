"""Values of Kubernetes Secrets, such as the keys that sign a hook's webhooks.

`main` hands `KubernetesSecrets` to `delivery/channels/keys.py`. A Secret is read once a minute at most, however many
of its keys are asked for; what is missing or cannot be read is asked for again after ten seconds. No value is ever
part of a log line, an error or a `repr`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from app.errors import NotFoundError, UnavailableError
from app.sources.kubernetes.connection import Connection, Permission, Reply, refusal

_FOUND_SECONDS: Final = 60.0
_FAILED_SECONDS: Final = 10.0

_NAME: Final = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


class _Secret(NamedTuple):
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"Secret {self.name} in namespace {self.namespace}"

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets/{self.name}"


@dataclass(frozen=True, slots=True)
class _Found:
    data: Mapping[str, str] = field(repr=False)  # base64, as it came


@dataclass(frozen=True, slots=True)
class _Missing:
    pass


@dataclass(frozen=True, slots=True)
class _Unreadable:
    why: str


_Answer = _Found | _Missing | _Unreadable


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: _Answer
    until: float  # on the clock


class KubernetesSecrets:
    """Reads Secrets, and keeps what it read for a while. Those who ask at the same time share a request."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._kept: dict[_Secret, _Kept] = {}
        self._reading: dict[_Secret, asyncio.Task[_Answer]] = {}

    async def __call__(self, namespace: str, name: str, key: str) -> str:
        """The text under a key of a Secret.

        Raises:
            NotFoundError: there is no such Secret, it has no such key, or what is there is no text.
            UnavailableError: no Kubernetes is configured, its API is away, or this process may not read the Secret.
        """
        secret = _Secret(namespace, name)
        if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
            raise NotFoundError(f"{secret!s} cannot exist: names are lower-case letters, digits, - and .")
        match await self._answer(secret):
            case _Found(data):
                return _text(secret, key, data)
            case _Missing():
                raise NotFoundError(f"there is no {secret}: kubectl -n {namespace} create secret generic {name}")
            case _Unreadable(why):
                raise UnavailableError(f"{secret} cannot be read: {why}")

    async def _answer(self, secret: _Secret) -> _Answer:
        kept = self._kept.get(secret)
        if kept is not None and kept.until > self._clock():
            return kept.answer
        reading = self._reading.get(secret)
        if reading is None:
            reading = self._reading[secret] = asyncio.create_task(self._read(secret))
            reading.add_done_callback(lambda _: self._reading.pop(secret, None))
        return await asyncio.shield(reading)  # whoever stops waiting leaves the others their answer

    async def _read(self, secret: _Secret) -> _Answer:
        try:
            answer = _answer_in(await self._connection.get(secret.path), secret)
        except UnavailableError as error:
            answer = _Unreadable(str(error))
        now = self._clock()
        self._kept = {other: kept for other, kept in self._kept.items() if kept.until > now}
        self._kept[secret] = _Kept(answer, now + (_FOUND_SECONDS if isinstance(answer, _Found) else _FAILED_SECONDS))
        return answer


def _answer_in(reply: Reply, secret: _Secret) -> _Answer:
    if reply.status == HTTPStatus.NOT_FOUND:
        return _Missing()
    if reply.status != HTTPStatus.OK:
        return _Unreadable(str(refusal(reply.status, Permission("get", "secrets", secret.namespace))))
    document = _object_in(reply.body)
    if document.get("kind") != "Secret":
        return _Unreadable("what answered is no Kubernetes API")
    return _Found(document.get("data") or {})


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(secret: _Secret, key: str, data: Mapping[str, str]) -> str:
    if key not in data:
        raise NotFoundError(f"{secret} has no key {key!r}: kubectl -n {secret.namespace} edit secret {secret.name}")
    try:
        return base64.b64decode(data[key], validate=True).decode()
    except ValueError:
        # Without the cause: its text shows the value.
        raise NotFoundError(f"{secret} has no text under the key {key!r}, but other bytes") from None
