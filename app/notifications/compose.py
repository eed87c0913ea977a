"""From an event to what is said: a notification on its own, or the message of a group. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from app.delivery.delivery import Received
from app.notifications.condition import text
from app.notifications.formats.notice import Notice, clip, writable
from app.notifications.notification import Notification, notification_of

OVER: Final = frozenset({"resolved", "recovered", "ok"})  # what `status` says of a thing that is well again
GROUP_TYPE: Final = "NotificationGroup"

_SAID: Final = frozenset(
    {"title", "message", "severity", "link", "url", "key", "status", "cluster", "provider", "channel"}
)
_FIELDS: Final = 20
_FIELD: Final = 500  # characters of the value of a field
_MESSAGE: Final = 65_536
_TITLE: Final = 1_000
_FIRST: Final = 120  # characters of a first line that stands for the title; chats show little more
_LINK: Final = 2_000  # characters: what is longer is no link that a browser follows
_BREAKS_A_LINK: Final = re.compile(r"[\s<>\"`]")
_SHORT: Final = 200  # characters of a message in a list


def notice_of(received: Received) -> Notice:
    """What is said of an event."""
    data = received.event.data
    if received.event.type == GROUP_TYPE and isinstance(data, Mapping):
        return _of_group(data)
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
        severity=writable(notification.severity) or _text(data, "severity"),
        link=_link(data),
        key=_text(data, "key").strip(),
        resolved=_text(data, "status").casefold() in OVER,
        source=_text(data, "cluster") or cluster,
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
            yield name, writable(value)
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


def _of_item(item: Mapping[str, Any]) -> Notice:
    return Notice(**{name: value for name, value in item.items() if name != "times"})


def _of_group(data: Mapping[str, Any]) -> Notice:
    """What is said of a group; of a group with one thing in it, what is said of that."""
    items = [_of_item(item) for item in data["items"]]
    if data["held"] and data["count"] == 1:  # nothing is summed up: it only came later
        return items[0]
    if len(items) == 1 and not data["more"] and not data["held"]:
        only = items[0]
        times = data["items"][0]["times"]
        title = f"{only.title} (x{times})" if times > 1 else only.title
        again = f"still so: {title}" if data["reminder"] else title
        return replace(only, title=again, key=data["key"], resolved=data["resolved"])
    return Notice(
        title=_headline(data),
        message="\n".join(_lines(data, items)),
        severity=data["severity"],
        link=next((item.link for item in items if item.link), ""),
        key=data["key"],
        resolved=data["resolved"],
        source=data["source"],
        fields=dict(data["by"]),
    )


def _headline(data: Mapping[str, Any]) -> str:
    what = f"{data['count']} notifications"
    if data["held"]:
        what += f" held back (at most {data['held']})"
    elif data["reminder"]:
        what = f"still so: {what}"
    where = ", ".join(f"{name} {value}" for name, value in data["by"].items())
    severities = ", ".join(f"{number} {severity}" for severity, number in data["severities"].items())
    return clip(": ".join(filter(None, [what + (f", {where}" if where else ""), severities])), _TITLE)


def _lines(data: Mapping[str, Any], items: list[Notice]) -> Iterator[str]:
    for item, told in zip(items, data["items"], strict=True):
        first = item.message.strip().partition("\n")[0]
        times = f" (x{told['times']})" if told["times"] > 1 else ""
        yield f"{item.headline}{times}" + (f": {clip(first, _SHORT)}" if first and first != item.title else "")
    if data["more"]:
        yield f"… and {data['more']} more"
