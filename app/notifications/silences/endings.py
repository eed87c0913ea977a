"""Telling that a silence is about to end: a message on `ops-pending` that is put back until it is time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from nats.aio.msg import Msg

from app.errors import NotFoundError
from app.events import cloudevent, subject
from app.events.cloudevent import CloudEvent
from app.jetstream.place import place_of
from app.jetstream.publish import Publish
from app.notifications.notification import ROOT
from app.notifications.routing.duration import written
from app.notifications.silences.registry import NOTICES, KeptSilence, Silences
from streams.pending import MAX_AGE_SECONDS
from streams.subjects import PENDING

_SUBJECT: Final = f"{PENDING}.silences."
ADDRESS: Final = f"{ROOT}.providers.{NOTICES[0]}.channels.{NOTICES[1]}.severities.info"
_BEHIND: Final = 1.0  # seconds before a silence is looked for again that has not reached this replica yet
_OLD: Final = MAX_AGE_SECONDS / 2


class Endings:
    """Puts a message there for each silence, and knows when it is due."""

    def __init__(self, silences: Silences, publish: Publish, cluster: str, clock: Callable[[], float]) -> None:
        self._silences = silences
        self._publish = publish
        self._cluster = cluster
        self._clock = clock

    async def expect(self, kept: KeptSilence) -> None:
        """Have the end of a silence told of in time. Raises: UnavailableError."""
        if kept.silence.notice_before:
            identity = f"{kept.id}-{kept.revision}"
            await self._publish(f"{_SUBJECT}{kept.id}", b"", {"Nats-Msg-Id": identity})

    async def __call__(self, message: Msg) -> float | None:
        """Seconds until a message is due; None: it is done.

        Raises:
            UnavailableError: JetStream is away.
        """
        identity = message.subject.removeprefix(_SUBJECT)
        try:
            kept = self._silences.get(identity)
        except NotFoundError:  # somebody has ended it, or made it a moment ago on another replica
            return None if await self._silences.confirm_gone(identity) else _BEHIND
        silence, now = kept.silence, self._clock()
        if now >= silence.ends.timestamp() or not silence.notice_before:
            return None
        if (early := silence.notice_at - now) > 0:
            return None if await self._is_renewed(message) else early
        event = self._event(kept, silence.ends.timestamp() - now)
        await self._publish(ADDRESS, cloudevent.encode(event), cloudevent.headers(event.id))
        return None

    async def _is_renewed(self, message: Msg) -> bool:
        """Put a message there anew whose time the stream would not see; whether that was needed."""
        place = place_of(message.reply)
        if not place.sequence or time.time() - place.stored < _OLD:
            return False
        await self._publish(message.subject, b"", {"Nats-Msg-Id": f"{message.subject}-{place.sequence}"})
        return True

    def _event(self, kept: KeptSilence, left: float) -> CloudEvent[Any]:
        silence = kept.silence
        return CloudEvent[Any](
            id=cloudevent.deterministic_id("silence ends", kept.id, silence.ends.isoformat()),
            type="Notification",
            subject=subject.validate(ADDRESS),
            cluster=self._cluster,
            time=cloudevent.now(),
            data={
                "cluster": self._cluster,
                "provider": NOTICES[0],
                "channel": NOTICES[1],
                "severity": "info",
                "title": f"a silence of {silence.author} ends in {written(max(60.0, left - left % 60))}",
                "message": silence.reason,
                "silence": kept.id,
                "ends": silence.ends.isoformat(),
            },
        )
