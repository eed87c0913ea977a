"""Messages of the stream `ops` as events that came in."""

from __future__ import annotations

from typing import Any

from nats.aio.msg import Msg

from app.delivery.delivery import Received
from app.events import cloudevent
from app.events.cloudevent import CloudEvent
from app.jetstream.place import place_of


def received_of(message: Msg, event: CloudEvent[Any]) -> Received:
    """The event that was read from a message, with what the message says of it."""
    place = place_of(message.reply)
    return Received(
        event=event,
        payload=message.data,
        structured=cloudevent.is_structured(message.headers),
        headers=message.headers or {},
        subject=message.subject,
        sequence=place.sequence,
        stored=place.stored,
    )
