"""Where notifications wait for the message of their group, and reminders for their time: the stream `ops-pending`."""

from __future__ import annotations

from typing import Final, NamedTuple

from nats.aio.msg import Msg

from app.delivery.delivery import Delivery
from app.delivery.park import headers_of
from app.delivery.retry import Debt
from app.jetstream.place import place_of
from app.jetstream.publish import Publish
from app.notifications.groups.terms import Terms
from streams.subjects import PENDING

TERMS: Final = "Ops-Terms"  # header: the terms, JSON
REMINDER: Final = "Ops-Reminder"  # header: the id of the message that somebody is to be reminded of

_GROUPS: Final = f"{PENDING}.groups."
_REMINDERS: Final = f"{PENDING}.reminders."
_NOTHING: Final = Debt()


class Waiting(NamedTuple):
    """A message that waits."""

    receiver: str
    group: str
    sequence: int
    stored: float  # Unix seconds
    terms: Terms
    reminds_of: str = ""  # the id of a message; empty: it is a notification

    @property
    def subject(self) -> str:
        return subject_of(self.receiver, self.group)

    @property
    def key(self) -> str:
        """Of the group, in the bucket."""
        return f"{self.receiver}.{self.group}"


def subject_of(receiver: str, group: str) -> str:
    return f"{_GROUPS}{receiver}.{group}"


def waiting_of(message: Msg) -> Waiting:
    """What a message says of itself.

    Raises:
        ValueError: it is none of a group.
    """
    headers = message.headers or {}
    root = next((root for root in (_GROUPS, _REMINDERS) if message.subject.startswith(root)), None)
    if root is None or TERMS not in headers:
        raise ValueError(f"no notification waits on {message.subject}")
    receiver, _, group = message.subject.removeprefix(root).partition(".")
    place = place_of(message.reply)
    terms = Terms.model_validate_json(headers[TERMS])
    reminds_of = headers.get(REMINDER, "") if root == _REMINDERS else ""
    return Waiting(receiver, group, place.sequence, place.stored, terms, reminds_of)


async def hold(publish: Publish, delivery: Delivery, receiver: str, terms: Terms) -> None:
    """Have a delivery wait for its group; the same delivery within two minutes waits once.

    Raises:
        UnavailableError: JetStream is away or full.
        TooLargeError: the event is too large with what is written down of it.
    """
    identity = f"{delivery.id}-held" if terms.held else delivery.id
    headers = {**headers_of(delivery, _NOTHING, ""), TERMS: terms.header(), "Nats-Msg-Id": identity}
    await publish(subject_of(receiver, terms.group), delivery.received.payload, headers)


async def remind(publish: Publish, waiting: Waiting, identity: str) -> None:
    """Have somebody look at a group again, after its `repeat`. Raises what `hold` does.

    On a subject of its own: what the group tells meanwhile does not take it away.
    """
    terms = waiting.terms.model_copy(update={"wait": waiting.terms.repeat})
    headers = {TERMS: terms.header(), REMINDER: identity, "Nats-Msg-Id": f"{identity}-reminder"}
    await publish(f"{_REMINDERS}{waiting.key}", b"", headers)
