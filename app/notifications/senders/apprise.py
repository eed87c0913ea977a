"""Services beyond those that are told natively, through Apprise: an optional extra, `ops-events[apprise]`.

Apprise connects by itself, in threads, which are held to the policy (`delivery/egress/threads.py`). Whom it may be
asked to tell stands in `schemes.py`.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final
from urllib.request import getproxies_environment

from app.delivery.channels.http import ATTEMPT_SECONDS
from app.delivery.egress.policy import Policy
from app.delivery.egress.threads import held_to
from app.delivery.outcome import Delivered, Outcome, TryLater
from app.notifications.destinations.kinds import Apprise
from app.notifications.formats.markdown import without_tags
from app.notifications.formats.notice import Notice, clip

_ABSENT: Final = "apprise is not installed: install ops-events[apprise]"
_PROXY: Final = "apprise would go through the proxy of the environment, where nothing is judged: unset it"
_NOT_READ: Final = "apprise cannot read the URL: mend the receiver"
_FAILED: Final = "apprise could not deliver it"
_THREADS: Final = 2
_TITLE: Final = 250  # characters
_BODY: Final = 30_000
_TYPES: Final = {"warning": "warning", "error": "failure", "critical": "failure"}
_TALKATIVE: Final = ("apprise", "urllib3", "requests")  # their logs hold URLs
_MENTION: Final = re.compile(r"@(?=everyone|here|all|channel)", re.IGNORECASE)
_BROKEN_UP: Final = "@\u200b"  # with nothing to be seen in between


class AppriseSender:
    """Sends in threads of its own."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(_THREADS, "apprise")

    async def send(self, where: Apprise, notice: Notice) -> Outcome:
        """Send a notice once. Apprise tells whether that worked, and not why it did not."""
        loop = asyncio.get_running_loop()
        url = where.url.get_secret_value()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                return await loop.run_in_executor(self._threads, _sent, self._policy, url, notice)
        except TimeoutError:
            return TryLater(f"no answer within {ATTEMPT_SECONDS:g} s")


def _sent(policy: Policy, url: str, notice: Notice) -> Outcome:
    try:
        module = _apprise()
    except ImportError:
        return TryLater(_ABSENT)
    if getproxies_environment().keys() & {"http", "https", "all"}:
        return TryLater(_PROXY)
    with held_to(policy) as watch:
        is_sent = _told(module, url, notice)
    if watch.forbidden is not None:
        return TryLater(str(watch.forbidden))
    if is_sent is None:
        return TryLater(_NOT_READ)
    return Delivered() if is_sent else TryLater(_FAILED)


@lru_cache(maxsize=1)
def _apprise() -> Any:
    """The module, which says nothing of its own accord.

    Raises:
        ImportError: it is not installed.
    """
    module = importlib.import_module("apprise")
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    return module


def _told(module: Any, url: str, notice: Notice) -> bool | None:
    """Whether it worked; None where there is no such service.

    One URL is one service here: given to `add` as a text it might be several, of which only the first was judged.
    """
    asset = module.AppriseAsset(storage_mode="memory", http_redirects=False, async_mode=False)
    service = module.Apprise.instantiate(url, asset=asset)
    if service is None:
        return None
    client = module.Apprise(service, asset=asset)
    return bool(
        client.notify(
            title=_plain(clip(notice.headline, _TITLE)),
            body=clip(_plain(_body(notice)), _BODY),
            notify_type="success" if notice.resolved else _TYPES.get(notice.severity.casefold(), "info"),
            body_format="text",
        )
    )


def _body(notice: Notice) -> str:
    return "\n".join(filter(None, (notice.message, notice.listed, notice.link))) or notice.headline


def _plain(text: str) -> str:
    """What mentions everybody somewhere is broken up: which of the many services reads it is not known here."""
    return without_tags(_MENTION.sub(_BROKEN_UP, text))
