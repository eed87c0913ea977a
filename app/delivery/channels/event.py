"""The channel `event`: publishes the event once more, under another subject."""

from __future__ import annotations

from typing import Any, Final

from app.delivery.delivery import Delivery
from app.delivery.outcome import Delivered, Impossible, Outcome, TryLater
from app.errors import TooLargeError, UnavailableError
from app.events import cloudevent
from app.events import subject as subjects
from app.events.cloudevent import CloudEvent
from app.events.subject import InvalidSubjectError
from app.jetstream.publish import Publish

HOPS: Final = "opshops"  # extension attribute: how often hooks have published the event anew, decimal
MOST_HOPS: Final = 8

_DIGITS: Final = 9  # of a count that is taken for one


class Event:
    """Publishes to the target's URL, which is a template of a subject.

    A repeat carries the same event id, so that JetStream keeps one of them; a replay makes a new event.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    async def send(self, delivery: Delivery) -> Outcome:
        hops = hops_of(delivery.received.event) + 1
        if hops > MOST_HOPS:
            return Impossible(f"loop: hooks have published the event anew {MOST_HOPS} times")
        try:
            forwarded = _forwarded(delivery, hops)
            headers = cloudevent.headers(forwarded.id)
            if delivery.trace is not None:
                headers |= delivery.trace.attributes
            await self._publish(forwarded.subject or "", cloudevent.encode(forwarded), headers)
        except (InvalidSubjectError, TooLargeError) as error:
            return Impossible(str(error))
        except UnavailableError as error:
            return TryLater(str(error))
        return Delivered()


def _forwarded(delivery: Delivery, hops: int) -> CloudEvent[Any]:
    received = delivery.received
    changes = {
        "id": cloudevent.deterministic_id("forwarded", delivery.id, delivery.replay),
        "subject": subject_of(delivery.target.url, received.subject or received.event.subject or ""),
        "time": cloudevent.now(),
        HOPS: hops,
        **(delivery.trace.attributes if delivery.trace is not None else {}),
    }
    return received.event.model_copy(update=changes)


def hops_of(event: CloudEvent[Any]) -> int:
    """How often hooks have published the event anew; 0 where the attribute is no count.

    A count that somebody else made up can only make a loop go round once more.
    """
    told = str((event.model_extra or {}).get(HOPS, ""))
    return int(told) if told.isascii() and told.isdigit() and len(told) <= _DIGITS else 0


def subject_of(template: str, source: str) -> str:
    """The subject that a template makes of an event's own.

    A template that begins with `ops.` is the subject; any other takes the place of the source's last token, be it one
    token or several. Then each `*` becomes the source's token at the same place.

    Raises:
        InvalidSubjectError: the source has no token there, or what comes out is no subject of an event.
    """
    if not template.startswith(f"{subjects.ROOT}."):
        template = f"{source.rpartition('.')[0]}.{template}"
    tokens = source.split(".")
    filled = [
        _token(tokens, place) if token == subjects.ANY else token for place, token in enumerate(template.split("."))
    ]
    subject = subjects.validate(".".join(filled))
    if not subject.startswith(f"{subjects.ROOT}."):
        raise InvalidSubjectError(f"the subject {subject!r} does not begin with ops.")
    return subject


def _token(tokens: list[str], place: int) -> str:
    if place >= len(tokens):
        raise InvalidSubjectError(
            f"the url has a * at place {place + 1}, the subject {'.'.join(tokens)!r} {len(tokens)} tokens"
        )
    return tokens[place]
