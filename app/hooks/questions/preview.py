"""What a hook would send for an event, for people to look at. Pure; called by dry runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.delivery.channels import documents, webhook, xiezuo
from app.delivery.channels.event import subject_of
from app.delivery.delivery import Delivery, Target
from app.delivery.secrets.masking import masked_text, masked_url, secrets_of
from app.events.subject import InvalidSubjectError

CHARACTERS: Final = 500

_BODIES: Final[Mapping[str, Callable[[Delivery], bytes]]] = {
    "webhook": lambda delivery: webhook.request_of(delivery, 0).body,
    "xiezuo": lambda delivery: xiezuo.request_of(delivery, 0).body,
    "elasticsearch": documents.lines_of,
    "event": lambda delivery: delivery.received.payload,
}


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of what would be sent, without secrets."""

    to: str  # a URL, or a subject
    body: str


def preview(delivery: Delivery) -> Preview:
    target = delivery.target
    body = _BODIES[target.channel](delivery).decode("utf-8", "replace")
    return Preview(_destination(target, delivery.received.subject), masked_text(body[:CHARACTERS], secrets_of(target)))


def _destination(target: Target, subject: str) -> str:
    if target.channel != "event":
        return masked_url(target.channel, target.url)
    try:
        return subject_of(target.url, subject)
    except InvalidSubjectError as error:
        return f"nowhere: {error}"
