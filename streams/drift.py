"""How a server differs from the code, and which of it the app cannot live with. Pure; `app/jetstream/streams.py` asks.

It cannot live with what breaks the promise without a word (an acknowledged event gets lost, or is delivered again and
again), nor with what makes its own requests fail. The rest only shows, for an operator may have meant it: other
limits, another number of copies, more subjects.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from streams.plan import Change, Difference, Kind
from streams.topology import Topology
from streams.verdicts import uncovered

LEAST_AGE_SECONDS: Final = 3600.0
"""A shorter life would drop what waits before a person could have looked at an endpoint that is away."""

Danger = Callable[[Any, Any], bool]
"""(value on the server, wanted value), different and as `verdicts` reads them: whether the app cannot live with it."""


def _any(_before: Any, _after: Any) -> bool:
    return True


def _less(before: Any, after: Any) -> bool:
    return bool(before < after)


def _missing(before: Any, after: Any) -> bool:
    return bool(after and not before)


def _too_much(before: Any, after: Any) -> bool:
    return bool(before and not after)


def _lacks(before: Any, after: Any) -> bool:
    return bool(uncovered(after, before))


def _leaves_out(before: Any, after: Any) -> bool:
    return _lacks(before or (">",), after)  # no filter: the whole stream


def _drops_at_a_limit(before: Any, after: Any) -> bool:
    return (before, after) == ("old", "new")


def _expires(before: Any, after: Any) -> bool:
    """What is to stay for ever (hooks, keys, checkpoints) goes, or the rest before anybody could have seen to it."""
    return math.isinf(after) or bool(before < min(after, LEAST_AGE_SECONDS))


def _pushes_out(_before: Any, after: Any) -> bool:
    return math.isinf(after)


_OF_STREAMS: Final[Mapping[str, tuple[Danger, str]]] = MappingProxyType(
    {
        "subjects": (_lacks, "what is published to the others is not kept"),
        "storage": (_any, "a restart of the server loses what was acknowledged"),
        "persist_mode": (_any, "what was acknowledged may not be on the disk yet"),
        "retention": (_any, "messages are removed once they were read by some, and others are owed them"),
        "discard": (_drops_at_a_limit, "when it is full, acknowledged messages are dropped without a word"),
        "max_age": (_expires, "messages go before they are delivered"),
        "max_msgs_per_subject": (_pushes_out, "new messages push out acknowledged ones of their subject"),
        "duplicate_window": (_less, "what is sent again within the promised time is stored twice"),
        "allow_direct": (_missing, "what the app looks up by subject finds nobody to answer"),
        "allow_rollup_hdrs": (_missing, "a key cannot be purged"),
        "allow_msg_ttl": (_missing, "messages that are to expire are refused"),
        "allow_msg_counter": (_any, "what is published is refused"),
        "no_ack": (_too_much, "no publisher hears that its message is kept"),
        "sealed": (_too_much, "it takes nothing in"),
    }
)

_OF_CONSUMERS: Final[Mapping[str, tuple[Danger, str]]] = MappingProxyType(
    {
        "filter_subject": (_leaves_out, "events that it leaves out are delivered to nobody"),
        "ack_policy": (_any, "events count as settled that are not"),
        "max_deliver": (_less, "an event is left behind after so many tries"),
        "ack_wait": (_less, "an event is given out again while its delivery is under way"),
        "backoff": (
            _any,
            "it replaces ack_wait: an event is given out again while its delivery is under way",
        ),
        "headers_only": (_too_much, "there is nothing to match and to send"),
        "inactive_threshold": (_any, "the server forgets how far everything is delivered while nobody reads"),
        "mem_storage": (_too_much, "a restart of the server forgets how far everything is delivered"),
        "deliver_subject": (_any, "the replicas share a consumer that they pull from, and this one pushes"),
    }
)


def endangers(change: Change) -> tuple[str, ...]:
    """Why the app cannot live with what `change` would mend, each reason once; empty: it can.

    What is left out of the tables can be lived with: fewer copies than asked for still are copies, a smaller limit of
    pending messages or waiting requests only slows down, and where a consumer once began is behind it.
    """
    if change.absent:
        return ("is missing",)
    table = _OF_CONSUMERS if change.kind is Kind.CONSUMER else _OF_STREAMS
    found = ((difference, table.get(difference.field)) for difference in change.differences)
    told = (_told(difference, *rule) for difference, rule in found if rule is not None)
    return tuple(dict.fromkeys(why for why in told if why))


def _told(difference: Difference, danger: Danger, why: str) -> str:
    before, after = difference.before, difference.after
    return f"{difference.field} is {_value(before)} instead of {_value(after)}: {why}" if danger(before, after) else ""


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "unlimited" if value == math.inf else str(value).lower()


def unbearable(changes: Iterable[Change]) -> str | None:
    """What the app cannot live with, and how to mend it; None: nothing.

    What a person has to do by hand is said as `apply` would say it.
    """
    told = [line for change in changes for line in _lines(change)]
    if not told:
        return None
    return f"NATS is not as it has to be: {'; '.join(told)}. Run python -m streams apply (plan shows what it would do)"


def _lines(change: Change) -> Iterable[str]:
    dangers = endangers(change)
    if dangers:
        by_hand = f" ({' '.join(change.reasons)})" if change.reasons else ""
        yield f"{change.kind} {change.name} {', '.join(dangers)}{by_hand}"


def drifts(wanted: Topology, changes: Iterable[Change]) -> dict[str, int]:
    """How many fields of each stream and its consumers are not as wanted, by the stream's name; what is absent is one.

    Every stream of the topology is there, so that one that was mended goes back to 0.
    """
    found = Counter[str]()
    for change in changes:
        found[change.stream] += 1 if change.absent else len(change.differences)
    return {str(stream.name): found[str(stream.name)] for stream in wanted.streams}
