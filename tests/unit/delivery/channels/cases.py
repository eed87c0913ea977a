"""The channels that speak HTTP, as the suite that all of them pass sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from app.delivery.channels.base import Channel
from app.delivery.channels.elasticsearch import Elasticsearch
from app.delivery.channels.webhook import Webhook
from app.delivery.channels.xiezuo import Xiezuo
from app.delivery.delivery import delivery_of
from app.delivery.outcome import Delivered, Outcome
from tests.unit.delivery.doubles import PROMPTLY, received, target
from tests.unit.delivery.endpoints import SECRET


@dataclass(frozen=True)
class Case:
    """A channel, and what is its own about it."""

    name: str
    make: Callable[[aiohttp.ClientSession], Channel]
    path: str = ""  # behind the endpoint's URL
    options: Mapping[str, str] = field(default_factory=dict)
    success: bytes = b"thanks"  # the body of an answer that says it worked
    by_body: bool = False  # the status alone does not say whether it worked

    async def send(self, session: aiohttp.ClientSession, url: str, data: Any = "hello") -> Outcome:
        """Send one delivery, to a URL with a secret in it, which must not be told."""
        to = target(url=f"{url}{self.path}?token={SECRET}", options=self.options, channel=self.name)
        sending = self.make(session).send(delivery_of(received(data=data), to))
        outcome = await asyncio.wait_for(sending, PROMPTLY)
        assert isinstance(outcome, Delivered) or SECRET not in outcome.reason
        return outcome


CASES = (
    Case("webhook", Webhook),
    Case("signed", Webhook, options={"secret": "whsec_c2lnbmVkIGJ5IHRoZSBrZXkgb2YgdGVzdHM=", "format": "cloudevents"}),
    Case("xiezuo", Xiezuo, success=b'{"result":"ok"}'),
    Case(
        "elasticsearch",
        Elasticsearch,
        path="/events/_doc",
        options={"username": "elastic", "password": SECRET},
        success=b'{"errors":false,"items":[{"create":{"status":201}}]}',
        by_body=True,
    ),
)
