"""Services beyond those that are told natively, through Apprise: an optional extra, `ops-events[apprise]`.

Apprise connects by itself, in threads. Where its URL names a host, that is judged beforehand, but not at the socket: a
name that changes in between is connected all the same. The services that are let in mostly have addresses of their own.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from app.delivery.channels.http import ATTEMPT_SECONDS
from app.delivery.egress import Policy
from app.delivery.outcome import Delivered, Outcome, TryLater
from app.notifications.destinations import OWN_HOST, Apprise
from app.notifications.formats.notice import Notice, clip

_ABSENT: Final = "apprise is not installed: install ops-events[apprise]"
_THREADS: Final = 2
_TITLE: Final = 250  # characters
_BODY: Final = 30_000
_TYPES: Final = {"warning": "warning", "error": "failure", "critical": "failure"}


class AppriseSender:
    """Sends in threads of its own."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(_THREADS, "apprise")

    async def send(self, where: Apprise, notice: Notice) -> Outcome:
        """Send a notice once. Apprise tells whether that worked, and not why it did not."""
        url = where.url.get_secret_value()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await self._check(url)
                loop = asyncio.get_running_loop()
                is_sent = await loop.run_in_executor(self._threads, _notify, url, notice)
        except ImportError:
            return TryLater(_ABSENT)
        except TimeoutError:
            return TryLater(f"no answer within {ATTEMPT_SECONDS:g} s")
        except OSError as error:  # what is forbidden, too
            return TryLater(str(error.strerror or type(error).__name__))
        return Delivered() if is_sent else TryLater("apprise could not deliver it")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in OWN_HOST or not parts.hostname:
            return
        self._policy.check_host(parts.hostname)
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
        for *_, address in found:
            self._policy.check(str(address[0]), parts.hostname)


@lru_cache(maxsize=1)
def _apprise() -> Any:
    """The module, which says nothing of its own accord: its log may hold URLs.

    Raises:
        ImportError: it is not installed.
    """
    module = importlib.import_module("apprise")
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return module


def _notify(url: str, notice: Notice) -> bool:
    module = _apprise()
    client = module.Apprise()
    if not client.add(url):
        return False
    kind = "success" if notice.resolved else _TYPES.get(notice.severity.casefold(), "info")
    lines = [notice.message, *(f"{name}: {value}" for name, value in notice.fields.items()), notice.link]
    body = clip("\n".join(filter(None, lines)) or notice.headline, _BODY)
    return bool(client.notify(title=clip(notice.headline, _TITLE), body=body, notify_type=kind, body_format="text"))
