"""What is told of a group, and when. Pure: the time is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from app.notifications.compose import item_of
from app.notifications.formats.notice import Notice, clip
from app.notifications.groups.state import MOST_RECENT, RESOLVED, GroupState, Standing, Thing, remembered
from app.notifications.groups.terms import Terms
from app.notifications.notification import Notification
from app.notifications.routing import severity

LISTED: Final = 20  # things that a message lists; of the others it says how many there are
ROOM: Final = 128 * 1024  # bytes that what it lists may have, unless it is one thing
_LONG: Final = 16_384  # characters of the message of the only thing
_SHORT: Final = 1_000  # of one among others
_SEVERITIES: Final = 10  # that a message counts one by one
_UNSAID: Final = "without severity"
_OTHERS: Final = "others"
_PLAIN: Final = 16  # bytes of a severity that is remembered as it is
_ABOUT: Final = 3_000  # bytes of the data that is remembered of a thing, for the silences that may come


@dataclass(frozen=True, slots=True)
class Item:
    """A notification that waits, or a message of its kind."""

    sequence: int
    thing: str
    named: bool  # it says itself what it is about
    notice: Notice
    count: int = 1  # notifications that it stands for
    at: float = 0.0  # when it was published, Unix seconds: notifications may overtake each other on their way here
    muted: bool = False  # nobody is told, but that something is over is known
    about: Notification = field(default_factory=Notification)
    identity: str = ""  # the same for each copy of it; empty: there are no copies
    trace: str = ""  # its `traceparent`, where it is recorded

    @property
    def word(self) -> str:
        """How bad it is, in a word."""
        return "resolved" if self.notice.resolved else self.notice.severity.casefold() or _UNSAID

    @property
    def level(self) -> str:
        """The same, short enough to be remembered."""
        if self.notice.resolved:
            return RESOLVED
        found = self.notice.severity.casefold().encode("utf-8", "replace")
        return found.decode() if len(found) <= _PLAIN else blake2b(found, digest_size=6).hexdigest()


class Verdict(NamedTuple):
    """The state from now on, and what is to be told; None: nothing."""

    state: GroupState
    data: Mapping[str, Any] | None
    standing: tuple[Standing, ...] = ()  # what was told, now or before, and is not over


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
    fresh = [item for item in sorted(items, key=_when) if not _is_late(item, state.things.get(item.thing))]
    over = {item.thing for item in fresh if item.muted and item.notice.resolved}
    before = {thing: one for thing, one in state.things.items() if thing not in over}
    news = _news(item for item in fresh if not item.muted)
    told = {thing: one for thing, one in news.items() if _is_told(before.get(thing), one.item, terms, now)}
    things = {**before, **{thing: _thing(one.item, now) for thing, one in told.items() if _keeps(one, terms)}}
    recent = (*state.recent, *filter(None, (item.identity for item in items)))[-MOST_RECENT:]
    after = state.model_copy(update={"flushed": last, "things": remembered(things), "recent": recent})
    if not told:
        return Verdict(after, None)
    after = after.model_copy(update={"told": now})
    said = sorted(told.values(), key=lambda one: (one.item.notice.resolved, -_rank(one.item.notice), _when(one.item)))
    data = message(said, after, terms)
    return Verdict(after, data, tuple(_standing(said, data["items"], after)))


def _once(items: Iterable[Item], recent: Iterable[str]) -> Iterator[Item]:
    """Each notification once, and none that was told."""
    known = set(recent)
    for item in items:
        if item.identity not in known:
            yield item
        if item.identity:
            known.add(item.identity)


def _when(item: Item) -> tuple[float, int]:
    return item.at, item.sequence


def _is_late(item: Item, before: Thing | None) -> bool:
    """Whether something newer has been told of the same thing: replicas may overtake each other."""
    return before is not None and 0 < item.at < before.at


def _thing(item: Item, now: float) -> Thing:
    return Thing(item.level, round(now, 3), round(item.at, 3))


def again(state: GroupState, identity: str, terms: Terms) -> float | None:
    """When somebody is to be reminded of a message, Unix seconds; None: not of this one, or nothing is so any more."""
    if state.last is None or state.last.id != identity or state.is_over:
        return None
    return state.told + terms.repeat


def reminder(state: GroupState, terms: Terms, mutes: Callable[[Notification], bool]) -> dict[str, Any] | None:
    """What the message says that reminds of what is not over; None where all of it is silenced."""
    open_ = state.open
    standing = [one for one in (state.last.standing if state.last else ()) if one.thing in open_]
    items = [dict(one.item) for one in standing if not mutes(Notification(**one.about))]
    if not items:
        return None
    more = len(open_) - len(standing)
    severities = Counter(str(item["severity"]).casefold() or _UNSAID for item in items)
    return {
        **_head(terms, items[0]),
        "count": len(items) + more,
        "severities": {**severities, _OTHERS: more} if more else dict(severities),
        "resolved": False,
        "reminder": True,
        "items": items,
        "more": more,
    }


def _standing(news: Sequence[_News], items: Sequence[dict[str, Any]], after: GroupState) -> Iterator[Standing]:
    """What is not over of what is told now, then of what was told before."""
    told, open_, room = {one.item.thing for one in news}, after.open, ROOM
    now = (
        Standing(thing=one.item.thing, item=item, about=_about(one.item.about))
        for one, item in zip(news, items, strict=False)
    )
    before = (one for one in (after.last.standing if after.last else ()) if one.thing not in told)
    standing = [one for one in (*now, *before) if one.thing in open_]
    for place, one in enumerate(standing[:LISTED]):
        room -= len(to_json(one.item))
        if room < 0 and place:
            return
        yield one


def _about(notification: Notification) -> dict[str, Any]:
    """A notification as silences match it; of much data only what is short."""
    data = notification.data
    if len(to_json(data, inf_nan_mode="strings")) > _ABOUT:
        data = dict(_short_fields(data))
    return {
        "provider": notification.provider,
        "channel": notification.channel,
        "severity": notification.severity,
        "data": data,
    }


def _short_fields(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    room = _ABOUT
    for name, value in data.items():
        room -= (size := len(to_json({name: value}, inf_nan_mode="strings")))
        if room < 0:
            room += size
            continue
        yield name, value


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


def message(news: Sequence[_News], state: GroupState, terms: Terms) -> dict[str, Any]:
    """What the event of a group's message says, of the worst first."""
    items = [*_listed(news)]
    return {
        **_head(terms, items[0]),
        "count": sum(one.times for one in news),
        "severities": _counted(news),
        "resolved": news[0].item.notice.resolved and state.is_over,
        "reminder": False,
        "items": items,
        "more": len(news) - len(items),
    }


def _head(terms: Terms, worst: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "by": dict(terms.by),
        "key": terms.group,
        "held": terms.held,
        "severity": worst["severity"],
        "source": worst["source"],
    }


def _counted(news: Iterable[_News]) -> dict[str, int]:
    found = Counter[str]()
    for one in news:
        found[one.item.word] += one.times
    most = dict(found.most_common(_SEVERITIES) if len(found) > _SEVERITIES else found)
    others = found.total() - sum(most.values())
    return {**most, _OTHERS: others} if others else most


def _rank(notice: Notice) -> int:
    """How bad it is; unknown severities stand with `info`."""
    word = notice.severity.casefold()
    return severity.ORDER.index(word if word in severity.ORDER else "info")


def _listed(news: Sequence[_News]) -> Iterator[dict[str, Any]]:
    """The first things, as many as there is room for."""
    longest, room = _LONG if len(news) == 1 else _SHORT, ROOM
    for place, one in enumerate(news[:LISTED]):
        item = item_of(one.item.notice, one.times)
        item["message"] = clip(item["message"], longest)
        room -= len(to_json(item))
        if room < 0 and place:
            return
        yield item
