"""From an event to what is said: a notification on its own, or the message of a group. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from app.delivery.delivery import Received
from app.notifications.formats.notice import Notice, clip, writable
from app.notifications.notification import ROOT, Notification, notification_of
from app.notifications.routing.condition import text

OVER: Final = frozenset({"resolved", "recovered", "ok"})  # what `status` says of a thing that is well again
GROUP_TYPE: Final = "NotificationGroup"
GROUP_ADDRESS: Final = f"{ROOT}.groups."  # with the receiver's name behind it: the subject of a group's message

_SAID: Final = frozenset(
    {"title", "message", "severity", "link", "url", "key", "status", "cluster", "provider", "channel"}
)
_FIELDS: Final = 20
_FIELD: Final = 500  # characters of the value of a field
_MESSAGE: Final = 65_536
_TITLE: Final = 1_000
_FIRST: Final = 120  # characters of a first line that stands for the title; chats show little more
_BREAKS_A_LINK: Final = re.compile(r"[\s<>\"`]")
_SHORT: Final = 200  # characters of a message in a list, of a source, of a field's name
_WORD: Final = 64  # characters of a severity
_KEY: Final = 500  # characters of a key
_LINK: Final = 2_000  # characters: what is longer is no link that a browser follows


class _Listed(BaseModel):
    """A thing that the message of a group lists."""

    model_config = ConfigDict(strict=True)

    title: str
    message: str
    severity: str
    link: str
    key: str
    resolved: bool
    source: str
    fields: dict[str, str]
    times: int

    @property
    def notice(self) -> Notice:
        return Notice(**self.model_dump(exclude={"times"}))


class GroupMessage(BaseModel):
    """What the event of a group's message says."""

    model_config = ConfigDict(strict=True)

    by: dict[str, str]  # the values that its notifications share, by field
    key: str
    count: int
    severity: str
    severities: dict[str, int]
    resolved: bool
    source: str
    held: str  # the rate that its notifications were beyond; empty: they were not
    reminder: bool
    items: list[_Listed]
    more: int  # things that are not listed


def group_message(received: Received) -> GroupMessage | None:
    """What a group's message says; None where it is none: anybody may publish an event that calls itself one."""
    if received.event.type != GROUP_TYPE or not received.subject.startswith(GROUP_ADDRESS):
        return None
    try:
        found = GroupMessage.model_validate(received.event.data)
    except ValidationError:
        return None
    return found if found.items else None


def notice_of(received: Received) -> Notice:
    """What is said of an event."""
    if (group := group_message(received)) is not None:
        return _of_group(group)
    data = received.event.data
    return notice(notification_of(received.subject, data), lambda: received.text, received.event.cluster or "")


def notice(notification: Notification, otherwise: Callable[[], str], cluster: str) -> Notice:
    """What is said of a notification; `otherwise` says it where it has neither title nor message."""
    data = notification.data
    title, message = _text(data, "title"), _text(data, "message")
    if not (title or message):
        message = writable(otherwise())
    first = clip(message.strip().partition("\n")[0], _FIRST)
    return Notice(
        title=clip(title, _TITLE) or first,
        message=clip(message if title or message.strip() != first else "", _MESSAGE),
        severity=clip(writable(notification.severity) or _text(data, "severity"), _WORD),
        link=_link(data),
        key=clip(_text(data, "key").strip(), _KEY),
        resolved=_text(data, "status").casefold() in OVER,
        source=clip(_text(data, "cluster") or writable(cluster), _SHORT),
        fields=dict(_fields(notification)),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return "" if value is None or isinstance(value, Mapping | list) else writable(text(value))


def _link(data: Mapping[str, Any]) -> str:
    found = (_text(data, name).strip() for name in ("link", "url"))
    link = next((link for link in found if link.startswith(("https://", "http://"))), "")
    return _BREAKS_A_LINK.sub(lambda sign: quote(sign[0]), link) if len(link) <= _LINK else ""


def _fields(notification: Notification) -> Iterator[tuple[str, str]]:
    """What else there is to see: who sent it, and what the sender wrote beside the message."""
    for name in ("provider", "channel"):
        if value := getattr(notification, name):
            yield name, clip(writable(value), _FIELD)
    more = [(name, value) for name, value in notification.data.items() if name not in _SAID and value not in (None, "")]
    for name, value in more[:_FIELDS]:
        yield clip(writable(str(name)), _SHORT), clip(writable(text(value)), _FIELD)


def item_of(said: Notice, times: int) -> dict[str, Any]:
    """A notice as the message of a group lists it."""
    return {
        "title": said.title,
        "message": said.message,
        "severity": said.severity,
        "link": said.link,
        "key": said.key,
        "resolved": said.resolved,
        "source": said.source,
        "fields": dict(said.fields),
        "times": times,
    }


def _of_group(group: GroupMessage) -> Notice:
    """What is said of a group; of a group with one thing in it, what is said of that."""
    items = [item.notice for item in group.items]
    if group.held and group.count == 1:  # nothing is summed up: it only came later
        return items[0]
    if len(items) == 1 and not group.more and not group.held:
        only, times = items[0], group.items[0].times
        title = f"{only.title} (x{times})" if times > 1 else only.title
        again = f"still so: {title}" if group.reminder else title
        return replace(only, title=again, key=group.key, resolved=group.resolved)
    return Notice(
        title=_headline(group),
        message="\n".join(_lines(group)),
        severity=group.severity,
        link=next((item.link for item in items if item.link), ""),
        key=group.key,
        resolved=group.resolved,
        source=group.source,
        fields=dict(group.by),
    )


def _headline(group: GroupMessage) -> str:
    what = f"{group.count} notifications"
    if group.held:
        what += f" held back (at most {group.held})"
    elif group.reminder:
        what = f"still so: {what}"
    where = ", ".join(f"{name} {value}" for name, value in group.by.items())
    severities = ", ".join(f"{number} {severity}" for severity, number in group.severities.items())
    return clip(": ".join(filter(None, [what + (f", {where}" if where else ""), severities])), _TITLE)


def _lines(group: GroupMessage) -> Iterator[str]:
    for told in group.items:
        item = told.notice
        first = item.message.strip().partition("\n")[0]
        times = f" (x{told.times})" if told.times > 1 else ""
        yield f"{item.headline}{times}" + (f": {clip(first, _SHORT)}" if first and first != item.title else "")
    if group.more:
        yield f"… and {group.more} more"
