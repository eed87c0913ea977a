"""Typed publishers: one FastStream publisher per row of the catalog, from which AsyncAPI describes the channels too."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from faststream.nats import JStream, NatsBroker
from faststream.nats.schemas import PubAck
from pydantic import BaseModel

from app.events import cloudevent, subject
from app.events.catalog import CATALOG, EventType
from app.events.cloudevent import CloudEvent
from streams.subjects import OPS

_ACK_TIMEOUT: Final = 5.0  # seconds


class EventPublishers:
    """Publishes payloads of the catalog as CloudEvents."""

    def __init__(self, broker: NatsBroker, cluster: str) -> None:
        stream = JStream(OPS, declare=False)
        self._cluster = cluster
        self._rows = {row.channel: row for row in CATALOG}
        self._publishers = {
            row.channel: broker.publisher(
                row.subject, stream=stream, schema=row.event, title=row.channel, description=row.description
            )
            for row in CATALOG
        }

    async def publish(
        self,
        channel: str,
        payload: BaseModel,
        names: dict[str, str],
        *,
        event_id: str | None = None,
        time: dt.datetime | None = None,
    ) -> PubAck:
        """Publish a payload on a channel of the catalog; returns once JetStream has acknowledged it.

        `names` fills the channel's subject template, without `cluster`. An `event_id` that stands for what happened
        makes a repeat harmless. `time` is when it happened; now where it is not given.

        Raises:
            InvalidSubjectError: a name is missing.
            nats.errors.Error, nats.js.errors.APIError: JetStream did not acknowledge.
        """
        event = self._event(self._rows[channel], payload, names, event_id, time)
        return await self._publishers[channel].publish(
            cloudevent.encode(event),
            subject=event.subject or "",
            # FastStream always adds a lower-case content type, by which its subscribers choose how to decode.
            headers={**cloudevent.headers(event.id), "content-type": cloudevent.JSON_TYPE},
            stream=OPS,
            timeout=_ACK_TIMEOUT,
        )

    def _event(
        self, row: EventType, payload: BaseModel, names: dict[str, str], event_id: str | None, time: dt.datetime | None
    ) -> CloudEvent[Any]:
        return CloudEvent(
            id=event_id or cloudevent.random_id(),
            type=row.ce_type,
            subject=subject.fill(row.subject, {**names, "cluster": self._cluster}),
            time=time or cloudevent.now(),
            cluster=self._cluster,
            data=payload,
        )
