"""What is said to a receiver: the notice of an event, as the receiver's template has it. Pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from app.delivery.delivery import Received
from app.notifications.compose import GROUP_TYPE, item_of, notice_of
from app.notifications.configuration import Template
from app.notifications.formats.notice import Notice, writable
from app.notifications.notification import notification_of
from app.notifications.template import TemplateError, compiled

log = logging.getLogger(__name__)


class Said(NamedTuple):
    """A notice, and of a webhook with a template of its own the whole body."""

    notice: Notice
    body: str | None = None


def said_of(received: Received, template: Template | None) -> Said:
    """What is said of an event.

    A template that fails at this event is passed over: the message is sent as it would be without.

    """
    notice = notice_of(received)
    if template is None:
        return Said(notice)
    try:
        return templated(template, notice, values_of(received, notice))
    except TemplateError as error:
        log.warning("a template failed at an event on %s, which is told without it: %s", received.subject, error)
        return Said(notice)


def templated(template: Template, notice: Notice, values: Mapping[str, Any]) -> Said:
    """A notice as a template has it.

    Raises:
        TemplateError: it cannot be made with these values.
    """
    said = replace(
        notice,
        title=_filled(template.title, values, notice.title),
        message=_filled(template.message, values, notice.message),
    )
    body = None if template.body is None else compiled(template.body).render({**values, **_again(said)})
    return Said(said, body)


def _again(said: Notice) -> dict[str, str]:
    return {"title": said.title, "message": said.message}


def _filled(source: str | None, values: Mapping[str, Any], otherwise: str) -> str:
    return otherwise if source is None else writable(compiled(source).render(values))


def values_of(received: Received, notice: Notice) -> dict[str, Any]:
    """What a template may use, by name."""
    notification = notification_of(received.subject, received.event.data)
    is_group = received.event.type == GROUP_TYPE
    item = item_of(notice, 1)
    return {
        **{name: value for name, value in item.items() if name != "times"},
        "provider": notification.provider,
        "channel": notification.channel,
        "subject": received.subject,
        "data": dict(notification.data),
        "count": notification.data.get("count", 1) if is_group else 1,
        "items": notification.data.get("items", []) if is_group else [item],
    }
