"""The receivers and routes in force: a bucket that every process mirrors, and what routing and delivery ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from nats.aio.client import Client
from pydantic import SecretStr

from app.delivery.delivery import Target
from app.delivery.secrets.masking import MASK
from app.errors import ConflictError
from app.jetstream.bucket import Bucket
from app.jetstream.mirror import Keys, Mirror
from app.notifications.destinations.kinds import Apprise
from app.notifications.routing.configuration import Configuration, Receiver
from app.notifications.secrets.sealing import Sealing
from streams.subjects import NOTIFICATIONS_BUCKET

PREFIX: Final = "notifications.default."  # with the receiver's name behind it: a target's key
CHANNEL: Final = "notify-"  # with the type of the destination behind it: a channel
NOTHING: Final = Configuration(receivers=())
_KEY: Final = "configuration"


@dataclass(frozen=True, slots=True)
class InForce:
    """A configuration, and at which revision of the bucket it is; 0: there is none."""

    configuration: Configuration
    revision: int


class Receivers:
    """Receivers and routes, as of the last change that reached this process. Delivery names a receiver by its key."""

    def __init__(self, connection: Callable[[], Client | None], sealing: Sealing) -> None:
        """Make the room's registry; `connection` gives the connection to NATS, once there is one."""
        self._sealing = sealing
        self._bucket = Bucket(connection, NOTIFICATIONS_BUCKET)
        self._mirror = Mirror(self._bucket, lambda _, value: sealing.open(value), self._changed)
        self._subscribers: list[Callable[[Keys], None]] = []
        self._by_key: Mapping[str, Receiver] = {}
        self.expects = False  # a file is to be put in force first: what is here may be of long ago, or nothing
        self.complete = self._mirror.complete

    async def follow(self) -> NoReturn:
        """Keep the mirror up to date. Runs until it is cancelled."""
        await self._mirror.follow()

    def subscribe(self, tell: Callable[[Keys], None]) -> None:
        """Have the targets told whose receivers have come, changed or gone; called at once, on the event loop."""
        self._subscribers.append(tell)

    def not_ready(self) -> str | None:
        """Why nobody can be told yet, if so."""
        return self._mirror.not_ready() or ("the file of receivers is not in force yet" if self.expects else None)

    def current(self) -> InForce | None:
        """What is in force; None where that is not known, or cannot be read: then nobody may act upon it."""
        return None if self.expects else self.kept()

    def kept(self) -> InForce | None:
        """What lies in the bucket; None where that is not known, or cannot be read."""
        if (entry := self._mirror.entries.get(_KEY)) is not None:
            return InForce(entry.value, entry.revision)
        return InForce(NOTHING, self._mirror.revision(_KEY)) if self._mirror.is_gone(_KEY) else None

    def replaceable(self) -> InForce:
        """What lies in the bucket, to be replaced; of what cannot be read, nothing but its revision."""
        return self.kept() or InForce(NOTHING, self._mirror.revision(_KEY))

    def receiver(self, key: str) -> Receiver | None:
        """A receiver by the key of its target."""
        return self._by_key.get(key)

    def target(self, key: str) -> Target | None:
        receiver = self._by_key.get(key)
        return None if receiver is None else target_of(receiver)

    def is_gone(self, key: str) -> bool:
        """Whether there is no such receiver, as far as this process knows; False while in doubt."""
        return self.current() is not None and key not in self._by_key

    async def confirm_gone(self, key: str) -> bool:
        """The same, as the server knows now. Raises: UnavailableError."""
        value = await self._bucket.latest(_KEY)
        try:
            found = NOTHING if value is None else self._sealing.open(value)
        except ValueError:  # in doubt there is one
            return False
        return key not in _keyed(found)

    async def keep(self, configuration: Configuration, revision: int | None = None) -> InForce:
        """Put a configuration in force, in place of the one at a revision, or whatever there is.

        Raises:
            ConflictError: it has been changed since that revision.
            UnavailableError: JetStream is away.
        """
        value = self._sealing.seal(configuration)
        if revision is None:
            return InForce(configuration, await self._mirror.put(_KEY, value))
        try:
            return InForce(configuration, await self._mirror.update(_KEY, value, revision))
        except ConflictError:
            raise ConflictError(
                "the configuration was changed since you read it: read it again, then replace it"
            ) from None

    def _changed(self, _: Keys) -> None:
        before, found = self._by_key, self.kept()
        self._by_key = before if found is None else _keyed(found.configuration)
        keys = frozenset(key for key in before.keys() | self._by_key.keys() if before.get(key) != self._by_key.get(key))
        for tell in self._subscribers:
            tell(keys)


def _keyed(configuration: Configuration) -> dict[str, Receiver]:
    return {PREFIX + receiver.name: receiver for receiver in configuration.receivers}


def target_of(receiver: Receiver) -> Target:
    """A receiver as delivery knows it. Its secrets are options, by which whoever shows a text of others finds them."""
    destination = receiver.destination
    texts = {name: _text(value) for name, value in destination.model_dump(by_alias=True).items()}
    url = texts.pop("url", "")
    if isinstance(destination, Apprise):  # any part of such a URL may be a secret, its host as well
        texts["secret"], url = url, f"{url.partition('://')[0]}://{MASK}"
    return Target(PREFIX + receiver.name, CHANNEL + destination.type, url, "", {k: v for k, v in texts.items() if v})


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value)
