"""What is told of a group, and when. Pure: the time is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.notifications import severity
from app.notifications.compose import item_of
from app.notifications.formats.notice import Notice, clip
from app.notifications.groups.state import MOST_RECENT, RESOLVED, GroupState, Thing, remembered
from app.notifications.groups.terms import Terms

LISTED: Final = 20  # things that a message lists; of the others it says how many there are
_LONG: Final = 16_384  # characters of the message of the only thing
_SHORT: Final = 1_000  # of one among others


@dataclass(frozen=True, slots=True)
class Item:
    """A notification that waits, or a message of its kind."""

    sequence: int
    thing: str
    named: bool  # it says itself what it is about
    notice: Notice
    count: int = 1  # notifications that it stands for
    identity: str = ""  # the same for each copy of it; empty: there are no copies

    @property
    def level(self) -> str:
        return RESOLVED if self.notice.resolved else self.notice.severity.casefold()


class Verdict(NamedTuple):
    """The state from now on, and what is to be told; None: nothing."""

    state: GroupState
    data: Mapping[str, Any] | None


@dataclass(slots=True)
class _News:
    """The last word on one thing, and how many there were."""

    item: Item
    times: int


def due(terms: Terms, stored: float, state: GroupState) -> float:
    """When what was stored at a time is to be told, Unix seconds."""
    return max(stored + terms.wait, state.told + terms.interval if state.told else 0.0)


def decide(state: GroupState, items: Sequence[Item], last: int, terms: Terms, now: float) -> Verdict:
    """What to tell of what has come up to the sequence `last`.

    JetStream keeps copies out for two minutes, unless it is killed in them after the first copy was told and removed.

    """
    items = [*_once(items, state.recent)]
    news = _news(items)
    told = {thing: one for thing, one in news.items() if _is_told(state.things.get(thing), one.item, terms, now)}
    things = {
        **state.things,
        **{thing: Thing(one.item.level, now) for thing, one in told.items() if _keeps(one, terms)},
    }
    recent = (*state.recent, *filter(None, (item.identity for item in items)))[-MOST_RECENT:]
    after = state.model_copy(update={"flushed": last, "things": remembered(things), "recent": recent})
    if not told:
        return Verdict(after, None)
    after = after.model_copy(update={"told": now})
    return Verdict(after, message(told.values(), after, terms))


def remind(state: GroupState, last: int, terms: Terms, now: float) -> Verdict:
    """What to tell when nothing has come for so long, and something is not over yet."""
    after = state.model_copy(update={"flushed": max(last, state.flushed)})
    if state.last is None or state.is_over or now < state.told + terms.repeat:
        return Verdict(after, None)
    return Verdict(after.model_copy(update={"told": now}), {**state.last, "reminder": True})


def _once(items: Iterable[Item], recent: Iterable[str]) -> Iterator[Item]:
    """Each notification once, and none that was told."""
    known = set(recent)
    for item in items:
        if item.identity not in known:
            yield item
        if item.identity:
            known.add(item.identity)


def _news(items: Iterable[Item]) -> dict[str, _News]:
    news: dict[str, _News] = {}
    for item in items:
        times = news[item.thing].times if item.thing in news else 0
        news[item.thing] = _News(item, times + item.count)
    return news


def _is_told(before: Thing | None, item: Item, terms: Terms, now: float) -> bool:
    if before is None:
        return not (terms.changes and item.level == RESOLVED)  # it was over before anybody had heard of it
    if before.level != item.level:
        return True
    is_again = now - before.told >= terms.repeat
    if terms.changes:
        return bool(terms.repeat) and is_again and item.level != RESOLVED
    return is_again


def _keeps(news: _News, terms: Terms) -> bool:
    """Whether anybody will ask what was told of a thing."""
    return terms.changes or terms.repeat > 0 or news.item.named


def message(told: Iterable[_News], state: GroupState, terms: Terms) -> dict[str, Any]:
    """What the event of a group's message says."""
    news = sorted(told, key=lambda one: (one.item.notice.resolved, -_rank(one.item.notice), one.item.sequence))
    severities = Counter[str]()
    for one in news:
        severities[one.item.level or "without severity"] += one.times
    longest = _LONG if len(news) == 1 else _SHORT
    return {
        "by": dict(terms.by),
        "key": terms.group,
        "count": sum(one.times for one in news),
        "severity": news[0].item.notice.severity,
        "severities": dict(severities),
        "resolved": news[0].item.notice.resolved and state.is_over,
        "source": news[0].item.notice.source,
        "held": terms.held,
        "reminder": False,
        "items": [_listed(one, longest) for one in news[:LISTED]],
        "more": len(news[LISTED:]),
    }


def _rank(notice: Notice) -> int:
    """How bad it is; unknown severities stand with `info`."""
    word = notice.severity.casefold()
    return severity.ORDER.index(word if word in severity.ORDER else "info")


def _listed(news: _News, longest: int) -> dict[str, Any]:
    item = item_of(news.item.notice, news.times)
    return {**item, "message": clip(item["message"], longest)}
