"""The access file, read at the start and whenever it changes. `tokens.py` says what stands in it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.errors import ConfigurationError
from app.ingress.access import audit, tokens
from app.ingress.access.tokens import Tokens

log = logging.getLogger(__name__)

_SECONDS: Final = 0.5  # between looks; a change is to be in force within 2 s


class TokenFile:
    """Keeps the last valid state of the file in force.

    The content is compared, not the time of a change: Kubernetes swaps symbolic links, and copies keep times.
    """

    def __init__(self, path: Path, noted: Callable[[bool], None], seconds: float = _SECONDS) -> None:
        """Read the file; `noted` is told whether what stands there is in force.

        Raises:
            ConfigurationError: the file cannot be read, or breaks rules.
        """
        self._path = path
        self._noted = noted
        self._seconds = seconds
        try:
            self._seen = _read(path)
            self.tokens = tokens.parse(self._seen)
        except (OSError, ConfigurationError) as error:
            raise ConfigurationError(f"ACCESS_FILE: {self._told(error)}") from None
        noted(True)

    def find(self, digest: bytes) -> tokens.Token | None:
        return self.tokens.get(digest)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            await self.look()

    async def look(self) -> None:
        """Take what the file says now, if that has changed and is valid."""
        try:
            content = await asyncio.to_thread(_read, self._path)
        except OSError as error:
            content = repr(error.strerror).encode()  # told once, until it changes
            self._take(content, error)
            return
        if content != self._seen:
            try:
                self._take(content, await asyncio.to_thread(tokens.parse, content))
            except ConfigurationError as error:
                self._take(content, error)

    def _take(self, content: bytes, found: Tokens | Exception) -> None:
        if content == self._seen:
            return
        self._seen = content
        self._noted(not isinstance(found, Exception))
        if isinstance(found, Exception):
            log.error("ACCESS_FILE: %s; the rights stay as they were", self._told(found))
        else:
            self.tokens = found
            audit.note("the server", "", "reloadAccess", _version(content), 200)

    def _told(self, error: Exception) -> str:
        why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
        return f"{self._path} {why}"


def _version(content: bytes) -> str:
    """Tells one state of the file from another, in the audit."""
    return hashlib.sha256(content).hexdigest()[:12]


def _read(path: Path) -> bytes:
    """The content, and no more than shows that it is too much."""
    with path.open("rb") as file:
        return file.read(tokens.MAX_BYTES + 1)
