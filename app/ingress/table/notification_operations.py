"""The rows of the table for notifications."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from app.ingress.notifications import RouteEndpoints, SilenceEndpoints
from app.ingress.table.operations import BAD_BODY, HOOK, PAGE, Operation

ROOT: Final = "/api/v1/notifications"
_CONFIGURATION: Final = f"{ROOT}/configuration"
_RECEIVERS: Final = f"{ROOT}/receivers"
_SILENCES: Final = f"{ROOT}/silences"
_SILENCE: Final = f"{_SILENCES}/{{silence}}"

_UNROUTED: Final = {
    ("GET", ""): "List notifications that reached nobody, newest first; reason says why.",
    ("POST", "/redrive"): "Route many of them again, or all.",
    ("GET", "/{letter}"): "Read one of them.",
    ("DELETE", "/{letter}"): "Delete one of them for good, and overwrite it on the disk.",
    ("POST", "/{letter}/redrive"): "Route one of them again.",
}

_AWAY: Final = (HTTPStatus.SERVICE_UNAVAILABLE,)
_LISTING: Final = (HTTPStatus.BAD_REQUEST, *_AWAY)
_WRITING: Final = (*BAD_BODY, HTTPStatus.UNPROCESSABLE_ENTITY)


def route_operations(routes: RouteEndpoints) -> tuple[Operation, ...]:
    return (*_configuration_operations(routes), *_trial_operations(routes))


def _configuration_operations(routes: RouteEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _CONFIGURATION,
            routes.read,
            "readNotificationConfiguration",
            "Read the receivers and routes in force; *** stands for secrets.",
            answer="NotificationsInForce",
            problems=_AWAY,
        ),
        Operation(
            "PUT",
            _CONFIGURATION,
            routes.replace,
            "replaceNotificationConfiguration",
            "Replace the receivers and routes, by JSON or YAML. *** keeps the secret of the receiver of that name.",
            answer="NotificationsInForce",
            media={"application/json": "Notifications", "application/yaml": "NotificationsText"},
            headers={"If-Match": "The revision that was read: answers 409 where there is another by now."},
            problems=(*_WRITING, HTTPStatus.CONFLICT),
        ),
        Operation(
            "GET",
            _RECEIVERS,
            routes.receivers,
            "listReceivers",
            "List the receivers in force by name.",
            answer="ReceiverPage",
            query=PAGE,
            problems=_LISTING,
        ),
    )


def _trial_operations(routes: RouteEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            f"{ROOT}/check",
            routes.check,
            "checkNotification",
            "See whom a notification would reach, by the routes in force or by those that are sent. Nothing is kept.",
            answer="NotificationCheck",
            body="NotificationCheckRequest",
            problems=_WRITING,
        ),
        Operation(
            "POST",
            f"{ROOT}/preview",
            routes.preview,
            "previewTemplate",
            "See what a template makes of a notification, or of a sample. Nothing is kept.",
            answer="TemplatePreview",
            body="TemplatePreviewRequest",
            problems=(*_WRITING, HTTPStatus.TOO_MANY_REQUESTS),
        ),
    )


def silence_operations(silences: SilenceEndpoints) -> tuple[Operation, ...]:
    return (*_silence_list_operations(silences), *_one_silence_operations(silences))


def _silence_list_operations(silences: SilenceEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _SILENCES,
            silences.list,
            "listSilences",
            "List silences that are active, to come, or ended within a week; the last to end first.",
            answer="SilencePage",
            query=PAGE,
            problems=_LISTING,
        ),
        Operation(
            "POST",
            _SILENCES,
            silences.create,
            "createSilence",
            "Mute notifications for a while.",
            answer="KeptSilence",
            success=HTTPStatus.CREATED,
            body="Silence",
            problems=_WRITING,
        ),
        Operation(
            "POST",
            f"{ROOT}/silence-previews",
            silences.preview,
            "previewSilence",
            "See what a silence would have muted in the last hour. Nothing is kept.",
            answer="SilencePreview",
            body="Silence",
            problems=(*_WRITING, HTTPStatus.TOO_MANY_REQUESTS),
        ),
    )


def _one_silence_operations(silences: SilenceEndpoints) -> tuple[Operation, ...]:
    reading = (HTTPStatus.NOT_FOUND, *_AWAY)
    return (
        Operation("GET", _SILENCE, silences.read, "readSilence", "Read a silence.", "KeptSilence", problems=reading),
        Operation(
            "PUT",
            _SILENCE,
            silences.replace,
            "replaceSilence",
            "Replace a silence.",
            "KeptSilence",
            body="Silence",
            problems=(*_WRITING, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        ),
        Operation(
            "DELETE", _SILENCE, silences.delete, "deleteSilence", "End a silence.", answer="Nothing", problems=reading
        ),
    )


def of_receivers(rows: Iterable[Operation]) -> tuple[Operation, ...]:
    """The same for receivers as for hooks: attempts, dead letters, statistics."""
    return tuple(_moved(row, HOOK, f"{_RECEIVERS}/{{receiver}}", "Receiver", "receiver") for row in rows)


def of_unrouted(letter_rows: Iterable[Operation]) -> tuple[Operation, ...]:
    """The dead letters that are notifications which no route took; redriven, they are routed again."""
    below = f"{HOOK}/deadletters"
    rows = (_moved(row, below, f"{ROOT}/unrouted", "Unrouted", "receiver") for row in letter_rows)
    return tuple(replace(row, summary=_UNROUTED[row.method, row.path.removeprefix(f"{ROOT}/unrouted")]) for row in rows)


def _moved(row: Operation, before: str, after: str, name: str, what: str) -> Operation:
    return replace(
        row,
        path=row.path.replace(before, after),
        name=re.sub(r"^[a-z]+", lambda verb: verb[0] + name, row.name),
        summary=row.summary.replace("hook", what),
    )
