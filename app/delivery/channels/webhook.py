"""The channel `webhook`: a POST of the readable text, or of the event itself, signed where the hook has a key."""

from __future__ import annotations

import time
from collections.abc import Sequence

import aiohttp

from app.delivery.channels.http import USER_AGENT, Post, post
from app.delivery.channels.keys import Keys, SecretReader, without_kubernetes
from app.delivery.channels.signing import standard_headers
from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome, TryLater
from app.errors import NotFoundError, UnavailableError
from app.events import cloudevent


class Webhook:
    """POSTs to the target's URL. `options.format: cloudevents` sends the event as structured JSON."""

    def __init__(self, session: aiohttp.ClientSession, read_secret: SecretReader = without_kubernetes) -> None:
        self._session = session
        self._keys = Keys(read_secret)

    async def send(self, delivery: Delivery) -> Outcome:
        try:
            keys = await self._keys.of(delivery.target)
        except (NotFoundError, UnavailableError) as error:  # never unsigned where a signature is expected
            return TryLater(f"cannot be signed: {error}")
        return await post(self._session, request_of(delivery, int(time.time()), keys))


def request_of(delivery: Delivery, timestamp: int, keys: Sequence[bytes] = ()) -> Post:
    """The request of an attempt at `timestamp`, Unix seconds."""
    content_type, body = _content(delivery)
    headers = {"Content-Type": content_type, "User-Agent": USER_AGENT}
    if delivery.trace is not None:
        headers |= delivery.trace.attributes
    return Post(delivery.target.url, headers | standard_headers(delivery, timestamp, body, keys), body)


def _content(delivery: Delivery) -> tuple[str, bytes]:
    received, target = delivery.received, delivery.target
    if target.options.get("format") == "cloudevents":
        body = received.payload if received.structured else cloudevent.encode(received.event)
        return cloudevent.CONTENT_TYPE, body
    # Plain text under a JSON content type: receivers of the earlier system rely on it.
    return cloudevent.JSON_TYPE, (received.text + target.additional).encode("utf-8", "replace")
