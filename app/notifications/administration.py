"""What people do with notifications over HTTP: see and replace the configuration, try it, silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from app.delivery.delivery import Received
from app.delivery.secrets.masking import masked_url
from app.errors import ConflictError, FieldProblem, InvalidResourceError, UnavailableError
from app.events import subject
from app.events.cloudevent import CloudEvent
from app.jetstream.read import StreamReader
from app.notifications.compose import notice_of
from app.notifications.notification import ROOT, Notification
from app.notifications.receivers import InForce, Receivers, target_of
from app.notifications.routing import configuration
from app.notifications.routing.configuration import Parsed, Receiver, Template, warnings
from app.notifications.routing.explaining import Reach, reached
from app.notifications.routing.route import routed
from app.notifications.routing.wording import explained, written
from app.notifications.saying import templated, values_of
from app.notifications.secrets.sealing import masked, plain
from app.notifications.secrets.unmasking import unmasked
from app.notifications.silences import registry as silences
from app.notifications.silences.endings import Endings
from app.notifications.silences.past import SECONDS, Past
from app.notifications.silences.registry import KeptSilence, Silence, Silences
from app.notifications.templates.bounds import TemplateError
from app.notifications.templates.template import SAMPLE, Compiled

_KEPT: Final = 7 * 86400.0  # seconds that a silence can be seen after its end


class Asked(BaseModel):
    """A notification that somebody asks about."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    provider: StrictStr = ""
    channel: StrictStr = ""
    severity: StrictStr = ""
    data: Mapping[str, Any] = Field(default_factory=dict)


class Preview(BaseModel):
    """A template, and what it is to be tried on."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    template: Template
    notification: Asked = Asked(provider="ksyun", channel="disk", severity="error", data=SAMPLE["data"])


class Administration:
    """Its methods raise UnavailableError where JetStream is away, or the configuration cannot be read."""

    def __init__(
        self,
        receivers: Receivers,
        silences: Silences,
        endings: Endings,
        reader: StreamReader,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._receivers = receivers
        self._silences = silences
        self._endings = endings
        self._reader = reader
        self._clock = clock
        self.file = ""  # that is the truth, where one is set

    def read(self) -> dict[str, Any]:
        """The configuration, with `***` for each secret, and its revision."""
        return self._told(self._current())

    async def replace(self, text: bytes, revision: int | None) -> dict[str, Any]:
        """Put a configuration in force: YAML, or JSON; `***` stands for a secret that stays as it is.

        Raises:
            InvalidResourceError: it breaks rules; says line and field.
            ConflictError: it was changed since that revision, or a file is the truth.
        """
        if self.file:
            raise ConflictError(f"receivers and routes are those of the file {self.file}: change them there")
        kept = self._receivers.replaceable()
        found = (await self._parsed(text, kept)).configuration
        return self._told(await self._receivers.keep(found, kept.revision if revision is None else revision))

    async def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Whom a notification would reach, by the configuration that is given, or by that in force.

        Raises:
            InvalidResourceError: what is given breaks rules.
        """
        if "configuration" in given:
            parsed = await self._parsed(_bytes(given["configuration"]), self._receivers.replaceable())
            found, remarks = parsed.configuration, [f"{one.field}: {one.why}" for one in parsed.remarks()]
        else:
            found = self._current().configuration
            remarks = [f"{written(path)}: {why}" for path, why in warnings(found)]
        asked = _as(Asked, given.get("notification", {}), "notification")
        said = Notification(asked.provider, asked.channel, asked.severity, asked.data)
        where = routed(found, said)
        return {
            "receivers": where.receivers,
            "by": [{"route": written(taken.path), "receivers": taken.receivers} for taken in where.by],
            "ways": [_way(reach) for reach in reached(found, where)],
            "silenced": self._silences.mutes(said, self._clock()),
            "warnings": remarks,
        }

    async def preview(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a template makes of a notification, or of a sample.

        Raises:
            InvalidResourceError: what is given breaks rules, or the template cannot be used with it.
        """
        return await asyncio.to_thread(_previewed, _as(Preview, given, ""))

    def receivers(self) -> list[dict[str, Any]]:
        """The receivers in force, by name, without secrets."""
        told = sorted(self._current().configuration.receivers, key=lambda receiver: receiver.name)
        targets = [target_of(receiver) for receiver in told]
        return [
            {
                "name": receiver.name,
                "type": receiver.destination.type,
                "url": masked_url(target.channel, target.url) if target.url else "",
                "rate": _shown_rate(receiver),
            }
            for receiver, target in zip(told, targets, strict=True)
        ]

    def silences(self) -> list[dict[str, Any]]:
        """Those that are active, are to come, or ended within a week; the last to end first."""
        since = self._clock() - _KEPT
        return [self._shown(kept) for kept in self._silences.all() if kept.silence.ends.timestamp() > since]

    def silence(self, identity: str) -> dict[str, Any]:
        """Raises: NotFoundError."""
        return self._shown(self._silences.get(identity))

    async def create_silence(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Raises: InvalidResourceError."""
        silence = self._future(silences.parse(given))
        await self._silences.forget_old(self._clock() - _KEPT)
        return await self._expected(await self._silences.create(silence))

    async def replace_silence(self, identity: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Raises: InvalidResourceError, NotFoundError, ConflictError."""
        return await self._expected(await self._silences.replace(identity, self._future(silences.parse(given))))

    async def delete_silence(self, identity: str) -> None:
        """Raises: NotFoundError."""
        await self._silences.delete(identity)

    async def preview_silence(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a silence would have muted in the last hour, had it been active.

        Raises:
            InvalidResourceError.
        """
        silence = silences.parse(given)
        return await Past(self._reader, silence).run(self._clock() - SECONDS)

    async def _expected(self, kept: KeptSilence) -> dict[str, Any]:
        await self._endings.expect(kept)
        return self._shown(kept)

    def _future(self, silence: Silence) -> Silence:
        if silence.ends.timestamp() <= self._clock():
            raise InvalidResourceError([FieldProblem("to", "lies in the past: nothing would be muted")])
        return silence

    def _shown(self, kept: KeptSilence) -> dict[str, Any]:
        now, silence = self._clock(), kept.silence
        state = "active" if silence.is_active(now) else "pending" if now < silence.begins.timestamp() else "ended"
        return {"id": kept.id, "state": state, **silence.model_dump(mode="json", by_alias=True, exclude_none=True)}

    def _current(self) -> InForce:
        if (current := self._receivers.current()) is None:
            raise UnavailableError("the receivers and routes in force cannot be read: the log says why")
        return current

    async def _parsed(self, text: bytes, kept: InForce) -> Parsed:
        before = plain(kept.configuration)
        return await asyncio.to_thread(configuration.read, text, lambda given: unmasked(given, before))

    def _told(self, current: InForce) -> dict[str, Any]:
        source = {"source": "file", "file": self.file} if self.file else {"source": "api", "file": ""}
        return {"revision": current.revision, **source, "configuration": masked(current.configuration)}


def _shown_rate(receiver: Receiver) -> dict[str, Any] | None:
    if receiver.allowed is None:
        return None
    return {**receiver.allowed.model_dump(mode="json"), "by": "service" if receiver.rate is None else "receiver"}


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise InvalidResourceError([FieldProblem("configuration", "must be the text of a configuration, YAML or JSON")])
    return text.encode("utf-8", "replace")


def _way(reach: Reach) -> dict[str, Any]:
    routes = [written(path) for path in reach.routes]
    name, kind = reach.receiver.name, reach.receiver.destination.type
    return {"receiver": name, "type": kind, "routes": routes, "how": reach.how}


def _previewed(asked: Preview) -> dict[str, Any]:
    received = _received(asked.notification)
    notice = notice_of(received)
    try:  # not `compiled`: what is tried is not to take the place of what is in force
        said = templated(asked.template, notice, values_of(received, notice), Compiled)
    except TemplateError as error:
        raise InvalidResourceError([FieldProblem("template", str(error))]) from None
    return {"title": said.notice.title, "message": said.notice.message, "body": said.body}


def _received(asked: Asked) -> Received:
    """A notification as it would come from the stream."""
    parts = [("providers", asked.provider), ("channels", asked.channel), ("severities", asked.severity)]
    address = ".".join([ROOT, *(f"{name}.{subject.encode(value)}" for name, value in parts)])
    return Received(
        CloudEvent[Any](id="preview", type="Notification", subject=address, data=asked.data), b"", subject=address
    )


Model = TypeVar("Model", bound=BaseModel)


def _as(model: type[Model], given: Any, where: str) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        at: tuple[str | int, ...] = (where,) if where else ()
        problems = [FieldProblem(written((*at, *path)), why) for path, why in explained(error)]
        raise InvalidResourceError(problems) from None
