"""Receivers and routes, as people write them. Pure.

```yaml
default: operators
receivers:
  - name: operators
    destination: {type: slack, url: https://hooks.slack.com/services/…}
  - name: oncall
    destination: {type: pagerduty, routingKey: …}
routes:
  - match: {severity: {atLeast: error}, data: {cluster: prod}}
    receivers: [oncall]
    continue: true
  - match: {provider: [ksyun, aliyun], channel: {not: webhook}}
    receivers: [operators]
    group: {by: [cluster], wait: 30s, interval: 5m, repeat: 4h}
```
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from app import yamltext
from app.errors import FieldProblem, InvalidResourceError
from app.notifications.destinations.kinds import Destination
from app.notifications.destinations.rates import NONE, Rate, Unbounded, published
from app.notifications.routing.condition import Condition, SeverityCondition
from app.notifications.routing.duration import Duration
from app.notifications.routing.wording import Path, explained, meant, written
from app.notifications.secrets.unmasking import left
from app.notifications.templates import template
from app.notifications.templates.bounds import TemplateError

MAX_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 16  # routes in routes
MOST_TOLD: Final = 20  # problems of one text

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?")

_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+( ?; ?[\w-]+=[\w.-]+)*", re.ASCII)
_LONGEST_TYPE: Final = 100  # characters


def _is_a_name(given: str) -> str:
    if not _NAME.fullmatch(given):
        raise ValueError("must be 1 to 63 letters, digits, - and _, and no sign at either end")
    return given


def _is_a_content_type(given: str) -> str:
    if len(given) > _LONGEST_TYPE or not _CONTENT_TYPE.fullmatch(given):
        raise ValueError("must be a media type such as text/plain; charset=utf-8")
    return given


Name = Annotated[str, AfterValidator(_is_a_name)]
ContentType = Annotated[str, AfterValidator(_is_a_content_type)]
FieldName = Annotated[str, Field(min_length=1, max_length=256)]


def _kind_of_rate(given: Any) -> str:
    return NONE if isinstance(given, str) else "rate"


GivenRate = Annotated[Annotated[Rate, Tag("rate")] | Annotated[Unbounded, Tag(NONE)], Discriminator(_kind_of_rate)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Match(_Model):
    """What a route takes: all that is said must hold, and what is not said holds for everything."""

    provider: Condition | None = Field(default=None, description="Who sends it.")
    channel: Condition | None = Field(default=None, description="By which channel.")
    severity: SeverityCondition | None = Field(default=None, description="How bad it is, however it is written.")
    data: Mapping[str, Condition] = Field(default={}, description="By field; a . leads into an object, or a list's.")


_BY: Final = "The fields whose values make a group: of the data, or provider, channel, severity."
_REPEAT: Final = "What was told and is still so is told again after this, and not before; 0: each time that it comes."
_KEY: Final = "The fields that name one thing; without: the field key, else title and message."
_CHANGES: Final = "Tell of one thing only when its severity changes, and when it is over."


class Group(_Model):
    """What becomes one message: notifications with the same values in the fields of `by`."""

    by: tuple[FieldName, ...] = Field(default=(), max_length=10, description=_BY)
    wait: Duration = Field(default=30.0, description="From the first notification of a group to its message.")
    interval: Duration = Field(default=300.0, description="At least between two messages of a group.")
    repeat: Duration = Field(default=0.0, description=_REPEAT)
    key: tuple[FieldName, ...] = Field(default=(), max_length=10, description=_KEY)
    changes: bool = Field(default=False, description=_CHANGES)


class Template(_Model):
    """How a receiver's messages read; what is not given reads as usual. Jinja2, in a sandbox."""

    title: str | None = Field(default=None, max_length=16_384, description="Of the title.")
    message: str | None = Field(default=None, max_length=65_536, description="Of the message.")
    body: str | None = Field(default=None, max_length=65_536, description="Of a webhook: the whole of what is sent.")
    content_type: ContentType = Field(default="application/json", alias="contentType", description="Of that body.")


_RECEIVERS: Final = "Who is told; without: those of the route above."
_GROUP: Final = "What becomes one message; without: that of the route above, and else each at once."
_CONTINUE: Final = "Ask the routes behind it too, also where it takes a notification."
_INSIDE: Final = "Routes inside, which come first; where none of them takes a notification, this one does."


class Route(_Model):
    """Which notifications go to whom. The first route of a list that matches takes one, unless it says `continue`."""

    match: Match = Field(default=Match(), description="Which notifications; without: all.")
    receivers: tuple[Name, ...] = Field(default=(), max_length=100, description=_RECEIVERS)
    group: Group | None = Field(default=None, description=_GROUP)
    goes_on: bool = Field(default=False, alias="continue", description=_CONTINUE)
    routes: tuple[Self, ...] = Field(default=(), max_length=1000, description=_INSIDE)


_RATE: Final = "How often at most; without: as often as the service takes it; none: as often as there is something."


class Receiver(_Model):
    """Somebody who is told."""

    name: Name = Field(description="1 to 63 letters, digits, - and _.")
    destination: Destination = Field(description="Where to, and how.")
    rate: GivenRate | None = Field(default=None, description=_RATE)
    template: Template | None = Field(default=None, description="How it reads.")

    @cached_property
    def allowed(self) -> Rate | None:
        """How many messages it gets; None where there is no bound. Asked for every notification."""
        if self.rate == NONE:
            return None
        return published(self.destination) if self.rate is None else self.rate


class Configuration(_Model):
    """All receivers and routes."""

    default: Name | None = Field(default=None, description="Who gets what no route takes; without: it is unrouted.")
    receivers: tuple[Receiver, ...] = Field(max_length=1000, description="Everybody who may be told.")
    routes: tuple[Route, ...] = Field(default=(), max_length=1000, description="Who is told of what, in this order.")


class Parsed(NamedTuple):
    """A configuration, and the text that it was read from."""

    configuration: Configuration
    document: yamltext.Document

    def remarks(self) -> list[FieldProblem]:
        """What is allowed and hardly meant, with its line."""
        return [_problem(self.document, path, why) for path, why in warnings(self.configuration)]


def _as_it_is(given: Any) -> Any:
    return given


def parse(text: bytes, fill: Callable[[Any], Any] = _as_it_is) -> Configuration:
    """The same as `read`, without the text."""
    return read(text, fill).configuration


def read(text: bytes, fill: Callable[[Any], Any] = _as_it_is) -> Parsed:
    """The configuration of a text, after `fill` has filled in what is left out on purpose.

    Raises:
        InvalidResourceError: it breaks rules; says for each where it stands, and why.
    """
    if len(text) > MAX_BYTES:
        raise InvalidResourceError([FieldProblem("the file", f"is larger than {MAX_BYTES} bytes")])
    try:
        document = yamltext.read_as_written(text)
        given = fill(document.value)
        problems = [*left(given)]
        found = Configuration.model_validate(given) if not problems else None
    except yamltext.NotYamlError as error:
        raise InvalidResourceError([FieldProblem(error.place or "the file", error.why)]) from None
    except ValidationError as error:
        raise _refused(document, explained(error, _fields())) from None
    if found is None or (problems := [*faults(found)]):
        raise _refused(document, problems)
    return Parsed(found, document)


def _refused(document: yamltext.Document, problems: Sequence[tuple[Path, str]]) -> InvalidResourceError:
    first = sorted(problems, key=lambda problem: document.line(problem[0]))[:MOST_TOLD]
    told = [_problem(document, path, why) for path, why in first]
    if len(problems) > MOST_TOLD:
        told.append(FieldProblem("and", f"{len(problems) - MOST_TOLD} more"))
    return InvalidResourceError(told)


def _problem(document: yamltext.Document, path: Path, why: str) -> FieldProblem:
    return FieldProblem(f"line {document.line(path)}: {written(path)}", why)


@cache
def _fields() -> frozenset[str]:
    """The names of all fields, wherever they belong."""
    models: list[type[BaseModel]] = [Configuration, Receiver, Route, Match, Group, Rate, Template]
    fields = (field for model in models for field in model.model_fields.items())
    return frozenset(field.alias or name for name, field in fields)


def faults(found: Configuration) -> Iterator[tuple[Path, str]]:
    """What fits the form and makes no sense."""
    names = [receiver.name for receiver in found.receivers]
    for name, times in Counter(names).items():
        if times > 1:
            yield ("receivers", len(names) - 1 - names[::-1].index(name), "name"), f"{name} stands there {times} times"
    if found.default is not None and found.default not in names:
        yield ("default",), f"no receiver is called {found.default}{meant(found.default, names)}"
    for number, receiver in enumerate(found.receivers):
        yield from _of_template(receiver, ("receivers", number, "template"))
    yield from _of_routes(found.routes, ("routes",), frozenset(names), is_given=False)


def _of_template(receiver: Receiver, path: Path) -> Iterator[tuple[Path, str]]:
    if receiver.template is not None and receiver.template.body is not None and receiver.destination.type != "webhook":
        yield (*path, "body"), "is for webhooks: others have a form of their own, give title and message"
    for name, source in _sources(receiver.template):
        try:
            template.Compiled(source)
        except TemplateError as error:
            yield (*path, name), f"in the template: {error}"


def _sources(found: Template | None) -> Iterator[tuple[str, str]]:
    """The templates of a receiver, by the names of their fields."""
    for name in ("title", "message", "body"):
        if found is not None and (source := getattr(found, name)) is not None:
            yield name, source


def _of_routes(
    routes: Sequence[Route], path: Path, names: frozenset[str], *, is_given: bool
) -> Iterator[tuple[Path, str]]:
    if routes and path.count("routes") > MAX_DEPTH:
        yield path, f"routes are nested deeper than {MAX_DEPTH} levels"
        return
    for number, route in enumerate(routes):
        here = (*path, number)
        for place, name in enumerate(route.receivers):
            if name not in names:
                yield (*here, "receivers", place), f"no receiver is called {name}{meant(name, names)}"
        if not (route.receivers or route.routes or is_given):
            yield here, "names no receivers, and nor does a route above it"
        yield from _of_routes(route.routes, (*here, "routes"), names, is_given=is_given or bool(route.receivers))


def warnings(found: Configuration) -> Iterator[tuple[Path, str]]:
    """What is allowed and hardly meant."""
    used = {found.default, *_named(found.routes)}
    for number, receiver in enumerate(found.receivers):
        if receiver.name not in used:
            yield ("receivers", number), f"no route names {receiver.name}"
        yield from _failing(receiver, ("receivers", number, "template"))
    if found.default is None:
        yield (), "no default: what no route takes is counted as unrouted, and reaches nobody"
    yield from _never_reached(found.routes, ("routes",))


def _failing(receiver: Receiver, path: Path) -> Iterator[tuple[Path, str]]:
    """Templates that fail at the sample: they may do well with what is really sent, which has other data."""
    for name, source in _sources(receiver.template):
        try:
            template.Compiled(source).render(template.SAMPLE)
        except TemplateError as error:
            yield (*path, name), f"fails with the sample, and so may be passed over: {error}"


def _named(routes: Sequence[Route]) -> Iterator[str]:
    for route in routes:
        yield from route.receivers
        yield from _named(route.routes)


def _never_reached(routes: Sequence[Route], path: Path) -> Iterator[tuple[Path, str]]:
    taken = False
    for number, route in enumerate(routes):
        if taken:
            yield (*path, number), "is never reached: a route before it takes everything"
        taken = taken or (route.match == Match() and not route.goes_on)
        yield from _never_reached(route.routes, (*path, number, "routes"))
