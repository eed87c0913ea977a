"""The row of the table for CloudEvents over HTTP."""

from __future__ import annotations

from app.ingress.cloudevents import CloudEvents
from app.ingress.table.cloudevents_schemas import HEADERS, MEDIA
from app.ingress.table.operations import BAD_BODY, Operation


def cloudevents_operations(events: CloudEvents) -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            "/api/v1/events",
            events.post,
            "publishCloudEvents",
            "Publish an event by CloudEvents 1.0, or a batch: all of them, or none where one is wrong.",
            answer="StoredEvents",
            media=MEDIA,
            body_required=False,  # an event may have no data
            headers=HEADERS,
            express=True,
            problems=BAD_BODY,
        ),
    )
