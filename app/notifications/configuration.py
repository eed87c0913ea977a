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
from functools import cached_property
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic_core import ErrorDetails

from app import yamltext
from app.errors import FieldProblem, InvalidResourceError
from app.notifications import severity, template
from app.notifications.condition import Condition, SeverityCondition
from app.notifications.destinations import Destination
from app.notifications.duration import Duration
from app.notifications.rates import NONE, Rate, Unbounded, published

MAX_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 16  # routes in routes

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?")

_OF_SEVERAL_FORMS: Final = frozenset({"destination", "rate"})
_FORMS: Final = "must be a text, a list of texts, {not: …} or, for a severity, {atLeast: …}"

Path = tuple[str | int, ...]


def _is_a_name(given: str) -> str:
    if not _NAME.fullmatch(given):
        raise ValueError("must be 1 to 63 letters, digits, - and _, and no sign at either end")
    return given


Name = Annotated[str, AfterValidator(_is_a_name)]
FieldName = Annotated[str, Field(min_length=1, max_length=256)]


def _kind_of_rate(given: Any) -> str:
    return NONE if isinstance(given, str) else "rate"


GivenRate = Annotated[Annotated[Rate, Tag("rate")] | Annotated[Unbounded, Tag(NONE)], Discriminator(_kind_of_rate)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Match(_Model):
    """What a route takes: all that is said must hold, and what is not said holds for everything."""

    provider: Condition | None = None
    channel: Condition | None = None
    severity: SeverityCondition | None = None
    data: Mapping[str, Condition] = {}


class Group(_Model):
    """What becomes one message: notifications with the same values in the fields of `by`."""

    by: tuple[FieldName, ...] = Field(default=(), max_length=10)  # of the data, or provider, channel, severity
    wait: Duration = 30.0  # from the first notification of a group to its message
    interval: Duration = 300.0  # at least between two messages of a group
    repeat: Duration = 0.0  # what was told and is still so is told again after this, and not before; 0: each time
    key: tuple[FieldName, ...] = Field(default=(), max_length=10)  # what names one thing; else `key`, else its text
    changes: bool = False  # tell of one thing only when its severity changes, and when it is over


class Template(_Model):
    """How a receiver's messages read; what is not given reads as usual. Jinja2, in a sandbox."""

    title: str | None = Field(default=None, max_length=16_384)
    message: str | None = Field(default=None, max_length=65_536)
    body: str | None = Field(default=None, max_length=65_536)  # of a webhook: the whole of what is sent
    content_type: str = Field(default="application/json", alias="contentType", max_length=100, pattern=r"^[!-~][ -~]*$")


class Route(_Model):
    """Which notifications go to whom. The first route of a list that matches takes one, unless it says `continue`."""

    match: Match = Match()
    receivers: tuple[Name, ...] = Field(default=(), max_length=100)  # those of the route above, where there are none
    group: Group | None = None  # that of the route above, where there is none; nowhere: each at once
    goes_on: bool = Field(default=False, alias="continue")
    routes: tuple[Self, ...] = Field(default=(), max_length=1000)


class Receiver(_Model):
    """Somebody who is told."""

    name: Name
    destination: Destination
    rate: GivenRate | None = None  # that of the service, where there is none
    template: Template | None = None

    @cached_property
    def allowed(self) -> Rate | None:
        """How many messages it gets; None where there is no bound. Asked for every notification."""
        if self.rate == NONE:
            return None
        return published(self.destination) if self.rate is None else self.rate


class Configuration(_Model):
    """All receivers and routes."""

    default: Name | None = None  # who gets what no route takes
    receivers: tuple[Receiver, ...] = Field(max_length=1000)
    routes: tuple[Route, ...] = Field(default=(), max_length=1000)


def _as_it_is(given: Any) -> Any:
    return given


def parse(text: bytes, fill: Callable[[Any], Any] = _as_it_is) -> Configuration:
    """The configuration of a text, after `fill` has filled in what is left out on purpose.

    Raises:
        InvalidResourceError: it breaks rules; says for each where it stands, and why.
    """
    if len(text) > MAX_BYTES:
        raise InvalidResourceError([FieldProblem("the file", f"is larger than {MAX_BYTES} bytes")])
    try:
        document = yamltext.read(text)
        found = Configuration.model_validate(fill(document.value))
    except yamltext.NotYamlError as error:
        raise InvalidResourceError([FieldProblem("the file", str(error))]) from None
    except ValidationError as error:
        raise _refused(document, _explained(error)) from None
    if problems := [*faults(found)]:
        raise _refused(document, problems)
    return found


def _refused(document: yamltext.Document, problems: Sequence[tuple[Path, str]]) -> InvalidResourceError:
    return InvalidResourceError(
        [FieldProblem(f"line {document.line(path)}: {written(path)}", why) for path, why in problems]
    )


def written(path: Path) -> str:
    """A path as people write it, such as `routes[0].match.severity`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".") or "the file"


def _explained(error: ValidationError) -> list[tuple[Path, str]]:
    """The problems, each once: where a value may have several forms, pydantic tells of each form."""
    told: dict[Path, str] = {}
    for problem in error.errors(include_url=False, include_input=False):
        path, is_form = _place(problem["loc"])
        why = _why(problem, is_form=is_form)
        told[path] = why if problem["type"] == "literal_error" else told.get(path, why)
    return [*told.items()]


def _why(problem: ErrorDetails, *, is_form: bool) -> str:
    match problem["type"]:
        case "literal_error" if is_form:
            return f"atLeast must be one of {', '.join(severity.ORDER)}"
        case "extra_forbidden" if not is_form:
            return "is no field here: mend its name, or leave it out"
        case "union_tag_invalid":
            return f"the type must be one of {problem['ctx']['expected_tags']}"
        case _ if is_form:
            return _FORMS
        case _:
            return problem["msg"].removeprefix("Value error, ")


def _place(location: Path) -> tuple[Path, bool]:
    """Where a problem is, and whether it is at a condition, of whose forms none was meant for sure."""
    for place, part in enumerate(location):
        if part == "match":
            depth = place + (3 if location[place + 1 : place + 2] == ("data",) else 2)
            return location[:depth], len(location) > depth
        if part in _OF_SEVERAL_FORMS:
            return (*location[: place + 1], *location[place + 2 :]), False  # without the form, which pydantic names
    return location, False


def faults(found: Configuration) -> Iterator[tuple[Path, str]]:
    """What fits the form and makes no sense."""
    names = [receiver.name for receiver in found.receivers]
    for name, times in Counter(names).items():
        if times > 1:
            yield ("receivers", len(names) - 1 - names[::-1].index(name), "name"), f"{name} stands there {times} times"
    if found.default is not None and found.default not in names:
        yield ("default",), f"no receiver is called {found.default}"
    for number, receiver in enumerate(found.receivers):
        yield from _of_template(receiver, ("receivers", number, "template"))
    yield from _of_routes(found.routes, ("routes",), frozenset(names), is_given=False)


def _of_template(receiver: Receiver, path: Path) -> Iterator[tuple[Path, str]]:
    found = receiver.template
    if found is None:
        return
    if found.body is not None and receiver.destination.type != "webhook":
        yield (*path, "body"), "is for webhooks: others have a form of their own, give title and message"
    for name in ("title", "message", "body"):
        try:
            if (source := getattr(found, name)) is not None:
                template.compiled(source).render(template.SAMPLE)
        except template.TemplateError as error:
            yield (*path, name), str(error)


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
                yield (*here, "receivers", place), f"no receiver is called {name}"
        if not (route.receivers or route.routes or is_given):
            yield here, "names no receivers, and nor does a route above it"
        yield from _of_routes(route.routes, (*here, "routes"), names, is_given=is_given or bool(route.receivers))


def warnings(found: Configuration) -> Iterator[tuple[Path, str]]:
    """What is allowed and hardly meant."""
    used = {found.default, *_named(found.routes)}
    for number, receiver in enumerate(found.receivers):
        if receiver.name not in used:
            yield ("receivers", number), f"no route names {receiver.name}"
    if found.default is None:
        yield (), "no default: what no route takes is counted as unrouted, and reaches nobody"
    yield from _never_reached(found.routes, ("routes",))


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
