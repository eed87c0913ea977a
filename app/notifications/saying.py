"""What is said to a receiver: the notice of an event, as the receiver's template has it. Pure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from app.delivery.delivery import Received, named
from app.notifications.compose import group_message, item_of, notice_of
from app.notifications.formats.notice import Notice, writable
from app.notifications.notification import notification_of
from app.notifications.routing.configuration import Template
from app.notifications.templates.bounds import TemplateError
from app.notifications.templates.template import Compiled, compiled

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
        told = "a template failed at an event on %s, which is told without it: %s"
        log.warning(told, received.subject, error, extra=named(received))
        return Said(notice)


def templated(
    template: Template, notice: Notice, values: Mapping[str, Any], of: Callable[[str], Compiled] = compiled
) -> Said:
    """A notice as a template has it; `of` compiles.

    Raises:
        TemplateError: it cannot be made with these values; says of which part.
    """

    def filled(name: str, values: Mapping[str, Any]) -> str | None:
        try:
            return None if (source := getattr(template, name)) is None else writable(of(source).render(values))
        except TemplateError as error:
            raise TemplateError(f"{name}: {error}") from None

    title, message = filled("title", values), filled("message", values)
    said = replace(
        notice,
        title=notice.title if title is None else title,
        message=notice.message if message is None else message,
    )
    return Said(said, filled("body", {**values, "title": said.title, "message": said.message}))


def values_of(received: Received, notice: Notice) -> dict[str, Any]:
    """What a template may use, by name."""
    notification = notification_of(received.subject, received.event.data)
    group = group_message(received)
    item = item_of(notice, 1)
    return {
        **{name: value for name, value in item.items() if name != "times"},
        "provider": notification.provider,
        "channel": notification.channel,
        "subject": received.subject,
        "data": dict(notification.data),
        "count": group.count if group else 1,
        "items": notification.data["items"] if group else [item],
    }
