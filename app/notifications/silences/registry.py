"""Silences: what nobody is told of for a while. A key-value bucket that every process mirrors."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NoReturn, Self

from nats.aio.client import Client
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from app.errors import ConflictError, FieldProblem, InvalidResourceError, NotFoundError
from app.events import cloudevent
from app.jetstream.bucket import Bucket
from app.jetstream.mirror import Entry, Keys, Mirror
from app.notifications.notification import Notification
from app.notifications.routing.configuration import Match
from app.notifications.routing.duration import Duration
from app.notifications.routing.route import matches
from app.notifications.routing.wording import explained, written
from streams.subjects import SILENCES_BUCKET

NOTICES: Final = ("ops", "silences")  # provider and channel of the notices that silences are about to end
LONGEST: Final = dt.timedelta(days=30)
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9000  # behind it there is no time to reckon with


def _rfc3339(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


_Time = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str)]


class Silence(BaseModel):
    """What is muted, from when to when, by whom and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )

    match: Match = Field(description="Which notifications, as in a route; at least one condition.")
    begins: _Time = Field(alias="from", description="RFC 3339.")
    ends: _Time = Field(alias="to", description="RFC 3339; at most 30 days after `from`.")
    author: str = Field(min_length=1, max_length=200, description="Who wants it.")
    reason: str = Field(min_length=1, max_length=1000, description="Why.")
    notice_before: Duration = Field(
        default=900.0, description="So long before its end a notification tells of it; 0: none."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.match == Match():
            raise ValueError("match has no condition, and would mute everything: name what is to be muted")
        if not (self.begins.year >= _FIRST_YEAR and self.ends.year <= _LAST_YEAR):
            raise ValueError(f"from and to must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
        if not dt.timedelta() < self.ends - self.begins <= LONGEST:
            raise ValueError("to must be after from, and at most 30 days after it")
        return self

    def mutes(self, notification: Notification, now: float) -> bool:
        """Whether it mutes a notification at a time, Unix seconds."""
        return self.is_active(now) and matches(self.match, notification)

    def is_active(self, now: float) -> bool:
        return self.begins.timestamp() <= now < self.ends.timestamp()

    @property
    def notice_at(self) -> float:
        """When its end is to be told of, Unix seconds."""
        return max(self.ends.timestamp() - self.notice_before, self.begins.timestamp())


class KeptSilence(BaseModel):
    """A silence as it is kept."""

    model_config = ConfigDict(frozen=True)

    id: str
    silence: Silence
    revision: int


def parse(given: Any) -> Silence:
    """The silence that somebody has written.

    Raises:
        InvalidResourceError: it breaks rules; says which field, and why.
    """
    try:
        return Silence.model_validate(given)
    except ValidationError as error:
        problems = [FieldProblem(written(path) if path else "the silence", why) for path, why in explained(error)]
        raise InvalidResourceError(problems) from None


def notice_of_end(notification: Notification) -> str:
    """The silence whose end a notification tells of; empty: of none."""
    is_ours = (notification.provider, notification.channel) == NOTICES
    return str(notification.data.get("silence", "")) if is_ours else ""


class Silences:
    """The silences, as of the last change that reached this process. Its methods raise UnavailableError."""

    def __init__(self, connection: Callable[[], Client | None]) -> None:
        self._mirror = Mirror(Bucket(connection, SILENCES_BUCKET), _decode, self._changed)
        self._active: tuple[tuple[str, Silence], ...] = ()
        self._active_at = (math.inf, math.inf)  # from when to when these are the active ones, Unix seconds
        self.not_ready, self.complete = self._mirror.not_ready, self._mirror.complete

    async def follow(self) -> NoReturn:
        """Keep the mirror up to date. Runs until it is cancelled."""
        await self._mirror.follow()

    def mutes(self, notification: Notification, now: float) -> bool:
        """Whether any silence mutes a notification at a time, Unix seconds; none mutes the notice of its own end."""
        about = notice_of_end(notification)
        return any(matches(one.match, notification) and identity != about for identity, one in self._now(now))

    def _now(self, now: float) -> tuple[tuple[str, Silence], ...]:
        """Those that are active. Asked for each notification: looked for only when one begins, ends or is changed."""
        if not self._active_at[0] <= now < self._active_at[1]:
            silences = [(key, entry.value) for key, entry in self._mirror.entries.items()]
            self._active = tuple((key, one) for key, one in silences if one.is_active(now))
            times = [time.timestamp() for _, one in silences for time in (one.begins, one.ends)]
            self._active_at = now, min((time for time in times if time > now), default=math.inf)
        return self._active

    def _changed(self, _: Keys) -> None:
        self._active_at = (math.inf, math.inf)

    def all(self) -> Sequence[KeptSilence]:
        """Those that end last first."""
        found = [_kept(identity, entry) for identity, entry in self._mirror.entries.items()]
        return sorted(found, key=lambda kept: kept.silence.ends, reverse=True)

    def get(self, identity: str) -> KeptSilence:
        """Raises: NotFoundError."""
        entry = self._mirror.entries.get(identity)
        if entry is None:
            raise NotFoundError(f"there is no silence {identity}")
        return _kept(identity, entry)

    async def create(self, silence: Silence) -> KeptSilence:
        identity = cloudevent.random_id()
        revision = await self._mirror.create(identity, silence.model_dump_json(by_alias=True).encode())
        return KeptSilence(id=identity, silence=silence, revision=revision)

    async def replace(self, identity: str, silence: Silence) -> KeptSilence:
        """Raises: NotFoundError, ConflictError: somebody else has changed it just now."""
        value = silence.model_dump_json(by_alias=True).encode()
        try:
            revision = await self._mirror.update(identity, value, self.get(identity).revision)
        except ConflictError:
            raise ConflictError(f"the silence {identity} was changed just now: read it again") from None
        return KeptSilence(id=identity, silence=silence, revision=revision)

    async def delete(self, identity: str) -> None:
        """Raises: NotFoundError."""
        await self._mirror.delete(self.get(identity).id)

    async def confirm_gone(self, identity: str) -> bool:
        """Whether there is no such silence, as the server knows now: another replica may have made it just now."""
        return await self._mirror.confirm_gone(identity)

    async def forget_old(self, before: float) -> None:
        """Delete those that ended before a time, Unix seconds, and forget those that were deleted before it.

        A deleted key leaves a marker, which counts among those that the bucket has room for.
        """
        for kept in self.all():
            if kept.silence.ends.timestamp() < before:
                await self._mirror.delete(kept.id)
        await self._mirror.forget_deleted(before)


def _kept(identity: str, entry: Entry[Silence]) -> KeptSilence:
    return KeptSilence(id=identity, silence=entry.value, revision=entry.revision)


def _decode(_: str, value: bytes) -> Silence:
    try:
        return Silence.model_validate_json(value)
    except ValidationError as error:
        raise ValueError(f"it is no silence ({error.error_count()} faults); delete it") from None
