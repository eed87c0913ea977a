"""The keys that sign a target's webhooks: given in its options, or in a Kubernetes Secret that they name."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from app.delivery.channels.signing import keys_of
from app.delivery.delivery import Target
from app.errors import NotFoundError, UnavailableError

DEFAULT_KEY: Final = "secret"  # of the Secret's data, where the reference names none

_REMEMBERED_SECONDS: Final = 60.0  # so long an exchanged key may go on being used: rotate with both in place


class SecretReader(Protocol):
    """Reads one value of a Kubernetes Secret, decoded.

    Raises:
        NotFoundError: there is no such Secret, or it has no such key.
        UnavailableError: Kubernetes cannot be asked now.
    """

    async def __call__(self, namespace: str, name: str, key: str) -> str: ...


async def without_kubernetes(namespace: str, name: str, key: str) -> str:
    """The reader of a process that knows no Kubernetes."""
    where = Reference(namespace, name, key)
    raise UnavailableError(f"{where} cannot be read without Kubernetes: give the key in options.secret")


class Reference(NamedTuple):
    """One value of a Secret."""

    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"the Secret {self.namespace}/{self.name}, key {self.key}"


def reference_of(target: Target) -> Reference | None:
    """What `options.secretRef` names: `name` or `name/key` of a Secret in the hook's own namespace."""
    given = target.options.get("secretRef")
    if not given:
        return None
    _, namespace, _ = target.key.split(".", 2)  # hooks.{namespace}.{name}
    name, _, key = given.partition("/")
    return Reference(namespace, name, key or DEFAULT_KEY)


@dataclass(frozen=True, slots=True)
class _Remembered:
    keys: tuple[bytes, ...]
    until: float  # on the monotonic clock


class Keys:
    """Finds keys. A Secret is read once a minute at most, however many deliveries ask."""

    def __init__(self, read: SecretReader) -> None:
        self._read = read
        self._remembered: dict[Reference, _Remembered] = {}
        self._reading: dict[Reference, asyncio.Task[tuple[bytes, ...]]] = {}

    async def of(self, target: Target) -> tuple[bytes, ...]:
        """The keys to sign with; none where the target names none.

        Raises:
            NotFoundError: the Secret or its key is missing, or what is there is no key.
            UnavailableError: Kubernetes cannot be asked now, and the Secret was never read.
        """
        if secret := target.options.get("secret"):
            return _usable("options.secret", secret)
        reference = reference_of(target)
        return await self._kept_in(reference) if reference else ()

    async def _kept_in(self, reference: Reference) -> tuple[bytes, ...]:
        remembered = self._remembered.get(reference)
        if remembered and remembered.until > time.monotonic():
            return remembered.keys
        reading = self._reading.get(reference)
        if reading is None:
            reading = self._reading[reference] = asyncio.create_task(self._look_up(reference))
            reading.add_done_callback(lambda _: self._reading.pop(reference, None))
        return await asyncio.shield(reading)  # one attempt that is cancelled takes the others nothing away

    async def _look_up(self, reference: Reference) -> tuple[bytes, ...]:
        try:
            keys = _usable(str(reference), await self._read(*reference))
        except UnavailableError:
            if reference not in self._remembered:
                raise
            keys = self._remembered[reference].keys  # most likely it is as it was
        self._remembered[reference] = _Remembered(keys, time.monotonic() + _REMEMBERED_SECONDS)
        return keys


def _usable(where: str, secret: str) -> tuple[bytes, ...]:
    try:
        keys = keys_of(secret)
    except ValueError as error:
        raise NotFoundError(f"{where}: {error}") from None
    if not keys:
        raise NotFoundError(f"{where}: is empty")
    return keys
