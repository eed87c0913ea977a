"""When the end of a silence is told of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.errors import NotFoundError
from app.events import cloudevent
from app.jetstream.publish import Stored
from app.notifications.silences.endings import ADDRESS, Endings
from app.notifications.silences.registry import KeptSilence, Silence, parse

NOW = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)


class Published(list[tuple[str, bytes, Mapping[str, str]]]):
    """Takes what is published."""

    async def __call__(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> Stored:
        self.append((subject, payload, headers))
        return Stored("s", len(self), duplicate=False)


class Known:
    """Silences as one replica sees them; `elsewhere`: there is one that has not arrived here yet."""

    def __init__(self, *kept: KeptSilence, elsewhere: bool = False) -> None:
        self.kept = {one.id: one for one in kept}
        self.elsewhere = elsewhere

    def get(self, identity: str) -> KeptSilence:
        if identity not in self.kept:
            raise NotFoundError(identity)
        return self.kept[identity]

    async def confirm_gone(self, _: str) -> bool:
        return not self.elsewhere


def kept(ends: float = 3600, begins: float = -60, **changes: Any) -> KeptSilence:
    given = {
        "match": {"provider": "p"},
        "from": (NOW + dt.timedelta(seconds=begins)).isoformat(),
        "to": (NOW + dt.timedelta(seconds=ends)).isoformat(),
        "author": "me",
        "reason": "the cluster is upgraded",
        **changes,
    }
    silence: Silence = parse(given)
    return KeptSilence(id="one", silence=silence, revision=7)


def waiting(stored: float = 0.0) -> Msg:
    """The message that waits for the time, stored so many seconds ago."""
    at = int((dt.datetime.now(dt.UTC).timestamp() - stored) * 1e9)
    reply = f"$JS.ACK.ops-pending.groups.1.5.1.{at}.0"
    return Msg(_client=Client(), subject="ops-pending.silences.one", reply=reply, data=b"")


def endings(known: Known, published: Published) -> Endings:
    return Endings(known, published, "prod", NOW.timestamp)  # type: ignore[arg-type] # a double


@pytest.mark.parametrize(
    ("silence", "early"),
    [
        (kept(3600), 3600 - 900),
        (kept(3600, noticeBefore="5m"), 3600 - 300),
        (kept(7200, 3600, noticeBefore="5h"), 3600),
    ],
)
async def test_it_waits_until_it_is_time(silence: KeptSilence, early: float) -> None:
    published = Published()
    assert await endings(Known(silence), published)(waiting()) == early
    assert published == []


async def test_in_time_it_tells_who_silenced_what_and_for_how_long() -> None:
    published = Published()
    assert await endings(Known(kept(899)), published)(waiting()) is None
    ((subject, payload, headers),) = published
    event = cloudevent.read(payload)
    assert (subject, event.subject, headers["Nats-Msg-Id"]) == (ADDRESS, ADDRESS, event.id)
    assert event.data is not None
    assert (event.data["title"], event.data["message"]) == ("a silence of me ends in 14m", "the cluster is upgraded")
    assert (event.data["silence"], event.data["ends"]) == ("one", "2026-11-24T10:14:59+00:00")


async def test_two_that_tell_of_the_same_end_say_so_by_the_same_id_and_of_another_by_another() -> None:
    published = Published()
    for silence in (kept(600), kept(600), kept(601)):
        await endings(Known(silence), published)(waiting())
    first, again, other = (headers["Nats-Msg-Id"] for _, _, headers in published)
    assert first == again != other


@pytest.mark.parametrize("silence", [kept(0), kept(-1), kept(600, noticeBefore=0)])
async def test_what_has_ended_or_wants_no_notice_is_done(silence: KeptSilence) -> None:
    published = Published()
    assert await endings(Known(silence), published)(waiting()) is None
    assert published == []


async def test_what_somebody_ended_is_done_and_what_has_not_arrived_is_looked_for_again() -> None:
    published = Published()
    assert await endings(Known(), published)(waiting()) is None
    assert await endings(Known(elsewhere=True), published)(waiting()) == 1.0
    assert published == []


async def test_what_the_stream_would_forget_before_its_time_is_put_there_anew() -> None:
    published = Published()
    far = kept(50 * 86_400, 49 * 86_400)
    assert await endings(Known(far), published)(waiting(stored=86_400)) is not None
    assert published == []
    assert await endings(Known(far), published)(waiting(stored=21 * 86_400)) is None
    ((subject, _, _),) = published
    assert subject == "ops-pending.silences.one"


async def test_a_message_waits_for_each_silence_that_wants_a_notice() -> None:
    published = Published()
    for silence in (kept(600), kept(600, noticeBefore=0)):
        await endings(Known(), published).expect(silence)
    ((subject, _, headers),) = published
    assert (subject, headers["Nats-Msg-Id"]) == ("ops-pending.silences.one", "one-7")
