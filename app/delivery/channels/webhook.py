"""The channel `webhook`: a POST of the readable text, or of the event itself."""

from __future__ import annotations

import aiohttp

from app.delivery.channels.http import Post, post
from app.delivery.delivery import Delivery
from app.delivery.outcome import Outcome
from app.events import cloudevent

USER_AGENT = "ops-events"


class Webhook:
    """POSTs to the target's URL. `options.format: cloudevents` sends the event as structured JSON."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, delivery: Delivery) -> Outcome:
        return await post(self._session, request_of(delivery))


def request_of(delivery: Delivery) -> Post:
    """The request of a delivery; `webhook-id` is the same in every repeat."""
    content_type, body = _content(delivery)
    headers = {"Content-Type": content_type, "User-Agent": USER_AGENT, "webhook-id": delivery.id}
    return Post(delivery.target.url, headers, body)


def _content(delivery: Delivery) -> tuple[str, bytes]:
    received, target = delivery.received, delivery.target
    if target.options.get("format") == "cloudevents":
        body = received.payload if received.structured else cloudevent.encode(received.event)
        return cloudevent.CONTENT_TYPE, body
    # Plain text under a JSON content type: receivers of the earlier system rely on it.
    return cloudevent.JSON_TYPE, (received.text + target.additional).encode("utf-8", "replace")
