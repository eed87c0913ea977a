"""How a notification would reach each of its receivers, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from app.notifications.routing.configuration import Configuration, Group, Receiver
from app.notifications.routing.duration import written
from app.notifications.routing.route import Routed
from app.notifications.routing.wording import Path


class Reach(NamedTuple):
    """One receiver, by which routes, in which groups, and how often at most."""

    receiver: Receiver
    routes: tuple[Path, ...]  # empty: as the default
    group: Group | None

    @property
    def how(self) -> str:
        """In a few words."""
        parts = (_grouped(self.group) if self.group else "at once", _bounded(self.receiver))
        return "; ".join(filter(None, parts))


def reached(found: Configuration, where: Routed) -> Iterator[Reach]:
    """Those that a notification reaches which is routed so."""
    receivers = {receiver.name: receiver for receiver in found.receivers}
    for name, group in where.ways.items():
        routes = tuple(taken.path for taken in where.by if name in taken.receivers)
        yield Reach(receivers[name], routes, group)


def _grouped(group: Group) -> str:
    kind = f"by {', '.join(group.by)}" if group.by else "all in one"
    parts = [f"in groups {kind}" if group.by else kind, f"wait {written(group.wait)}"]
    parts.append(f"interval {written(group.interval)}")
    if group.repeat:
        parts.append(f"repeat {written(group.repeat)}")
    if group.key:
        parts.append(f"key {', '.join(group.key)}")
    return ", ".join([*parts, *(["changes only"] if group.changes else [])])


def _bounded(receiver: Receiver) -> str:
    rate = receiver.allowed
    whose = ", as its service takes" if receiver.rate is None else ""
    return f"at most {rate.limit} in {written(rate.per)}{whose}" if rate else ""
