"""Who gets a notification: the tree of routes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.notifications import severity
from app.notifications.condition import holds, values_at
from app.notifications.configuration import Configuration, Match, Path, Route
from app.notifications.notification import Notification


class Taken(NamedTuple):
    """A route that takes a notification, and to whom it goes by that."""

    path: Path
    receivers: tuple[str, ...]


class Routed(NamedTuple):
    """Where a notification goes. Without receivers it is unrouted."""

    receivers: tuple[str, ...]  # each once, in the order of the routes
    by: tuple[Taken, ...]  # empty: no route took it, and it goes to the default


def routed(found: Configuration, notification: Notification) -> Routed:
    """Find the receivers of a notification."""
    by = tuple(_taken(found.routes, ("routes",), (), notification))
    if not by:
        return Routed((found.default,) if found.default else (), ())
    return Routed(tuple(dict.fromkeys(name for taken in by for name in taken.receivers)), by)


def _taken(
    routes: Sequence[Route], path: Path, inherited: tuple[str, ...], notification: Notification
) -> Iterator[Taken]:
    """The routes of a list that take it: those inside a route, or it itself where none of them does."""
    for number, route in enumerate(routes):
        if not matches(route.match, notification):
            continue
        here, receivers = (*path, number), route.receivers or inherited
        inside = tuple(_taken(route.routes, (*here, "routes"), receivers, notification))
        if inside:
            yield from inside
        elif receivers:
            yield Taken(here, receivers)
        if not route.goes_on and (inside or receivers):
            return


def matches(match: Match, notification: Notification) -> bool:
    """Whether all that a route asks for holds."""
    return (
        (match.provider is None or holds(match.provider, (notification.provider,)))
        and (match.channel is None or holds(match.channel, (notification.channel,)))
        and (match.severity is None or holds(match.severity, (notification.severity,), severity.same))
        and all(holds(condition, values_at(notification.data, field)) for field, condition in match.data.items())
    )
