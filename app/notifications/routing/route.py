"""Who gets a notification: the tree of routes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from app.notifications.notification import Notification
from app.notifications.routing import severity
from app.notifications.routing.condition import holds, values_at
from app.notifications.routing.configuration import Configuration, Group, Match, Route
from app.notifications.routing.wording import Path


class Taken(NamedTuple):
    """A route that takes a notification, and to whom it goes by that."""

    path: Path
    receivers: tuple[str, ...]
    group: Group | None = None


class Routed(NamedTuple):
    """Where a notification goes. Without receivers it is unrouted."""

    receivers: tuple[str, ...]  # each once, in the order of the routes
    by: tuple[Taken, ...]  # empty: no route took it, and it goes to the default

    @property
    def ways(self) -> dict[str, Group | None]:
        """How it goes to each receiver: in which groups; what the first route says, where several name one."""
        ways: dict[str, Group | None] = dict.fromkeys(self.receivers)
        for taken in reversed(self.by):
            ways.update(dict.fromkeys(taken.receivers, taken.group))
        return ways


def routed(found: Configuration, notification: Notification) -> Routed:
    """Find the receivers of a notification."""
    by = tuple(_taken(found.routes, ("routes",), _NOTHING, notification))
    if not by:
        return Routed((found.default,) if found.default else (), ())
    return Routed(tuple(dict.fromkeys(name for taken in by for name in taken.receivers)), by)


class _Above(NamedTuple):
    """What the routes above say, for those that say nothing."""

    receivers: tuple[str, ...] = ()
    group: Group | None = None

    def under(self, route: Route) -> _Above:
        return _Above(route.receivers or self.receivers, route.group or self.group)


_NOTHING: Final = _Above()


def _taken(routes: Sequence[Route], path: Path, above: _Above, notification: Notification) -> Iterator[Taken]:
    """The routes of a list that take it: those inside a route, or it itself where none of them does."""
    for number, route in enumerate(routes):
        if not matches(route.match, notification):
            continue
        here, said = (*path, number), above.under(route)
        inside = tuple(_taken(route.routes, (*here, "routes"), said, notification))
        if inside:
            yield from inside
        elif said.receivers:
            yield Taken(here, said.receivers, said.group)
        if not route.goes_on and (inside or said.receivers):
            return


def matches(match: Match, notification: Notification) -> bool:
    """Whether all that a route asks for holds."""
    return (
        (match.provider is None or holds(match.provider, (notification.provider,)))
        and (match.channel is None or holds(match.channel, (notification.channel,)))
        and (match.severity is None or holds(match.severity, (notification.severity,), severity.same))
        and all(holds(condition, values_at(notification.data, field)) for field, condition in match.data.items())
    )
