"""The file of receivers and routes, where one is set: the truth, which the bucket is made like whenever it changes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final, NoReturn

from app.errors import ConfigurationError, InvalidResourceError, UnavailableError
from app.notifications.receivers import Receivers
from app.notifications.routing import configuration
from app.notifications.routing.configuration import MAX_BYTES, Configuration

log = logging.getLogger(__name__)

SETTING: Final = "NOTIFICATIONS_FILE"
_SECONDS: Final = 0.5  # between looks; a change is to be in force within 2 s


class ConfigurationFile:
    """Keeps the last valid state of the file in force.

    The content is compared, not the time of a change: Kubernetes swaps symbolic links, and copies keep times. It is
    put in force at the start and when it changes: replicas that see a change at different times do not quarrel.
    """

    def __init__(self, path: Path, seconds: float = _SECONDS) -> None:
        """Read the file.

        Raises:
            ConfigurationError: it cannot be read, or breaks rules; says line and field.
        """
        self._path = path
        self._seconds = seconds
        try:
            self._seen = _read(path)
            self._wanted: Configuration | None = configuration.parse(self._seen)
        except (OSError, InvalidResourceError) as error:
            raise ConfigurationError(f"{SETTING}: {self._told(error)}") from None

    async def follow(self, receivers: Receivers) -> NoReturn:
        """Put in force what the file says, again and again, until cancelled."""
        await receivers.complete()
        while True:
            await self.look()
            await self._put_in_force(receivers)
            await asyncio.sleep(self._seconds)

    async def look(self) -> None:
        """Read the file, and take what it says, if that has changed and is valid."""
        try:
            content = await asyncio.to_thread(_read, self._path)
            if content == self._seen:
                return
            self._seen = content
            self._wanted = await asyncio.to_thread(configuration.parse, content)
        except OSError as error:
            self._tell_once(error)
        except InvalidResourceError as error:
            log.error("%s: %s; what was in force stays so", SETTING, self._told(error))  # noqa: TRY400 -- it says all

    async def _put_in_force(self, receivers: Receivers) -> None:
        if self._wanted is None:
            return
        kept = receivers.kept()
        try:
            if kept is None or kept.configuration != self._wanted:
                await receivers.keep(self._wanted)
        except UnavailableError:  # the next look tries again
            return
        except InvalidResourceError as error:
            log.error("%s: %s; what was in force stays so", SETTING, self._told(error))  # noqa: TRY400 -- it says all
        self._wanted, receivers.expects = None, False

    def _tell_once(self, error: OSError) -> None:
        content = repr(error.strerror).encode()
        if content != self._seen:
            self._seen = content
            log.error("%s: %s; what was in force stays so", SETTING, self._told(error))

    def _told(self, error: Exception) -> str:
        why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
        return f"{self._path}: {why}"


def _read(path: Path) -> bytes:
    """The content, and no more than shows that it is too much."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
