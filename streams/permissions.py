"""What each process may do on the server, as blocks of nats-server's configuration. Pure.

`deploy/nats/permissions/` holds those of each role, of provisioning, of a reader and of an edge;
`python -m streams permissions` prints them, also for processes with several roles, and for other edges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from streams import edges
from streams.grants import ALL, API, GRANTS, PROVISIONING, READER, ROLES, Grant, working
from streams.patterns import overlap
from streams.subjects import OPS

WHOLE: Final = ("all", "provisioning", "reader")
MADE_BY: Final = "# Made by `python -m streams permissions`: change streams/grants.py, not this file."
_EDGE: Final = "edge:"


def of_roles(roles: Collection[str]) -> str:
    """What a process with these roles may do; what it needs beside, in `EVENT_…` and `ROLES`, is its own affair."""
    name = "all" if set(roles) == set(ROLES) else "-".join(sorted(roles))
    title = f"A process with {'every role' if name == 'all' else 'ROLES=' + ','.join(sorted(roles))}."
    return _block(title, [grant for grant in GRANTS if set(roles) & set(grant.roles)], name, answers=True)


def of_provisioning() -> str:
    return _block("`python -m streams plan` and `apply`.", PROVISIONING, "streams", shared=False)


def of_a_reader() -> str:
    return _block("Who reads events with a NATS client, and changes nothing.", READER, "reader")


def of_an_edge(edge: str) -> str:
    """What an edge and its hub may say to each other over the leaf node."""
    asking = f"$JS.{edge}.API.CONSUMER.CREATE.{OPS}"
    lines = [
        f"# What the edge `{edge}` and its hub may say to each other: the hub's stream asks for the edge's events.",
        "# Both are one account, with streams, buckets and consumers of the same names: without this list the hub",
        "# would take each event in twice, a hook made on one would appear on the other, and an acknowledgement for",
        "# a consumer of the hub would count for that of the edge. What is not here stays on its side.",
        MADE_BY,
        "",
        "# From the edge to the hub.",
        "publish {",
        *_list("allow", [(_ITS_EVENTS, [f"deliver.{edge}.>"]), (_ITS_ANSWER, ["$JSC.R.>"])]),
        "}",
        "# From the hub to the edge.",
        "subscribe {",
        *_list("allow", [(_REQUEST, [asking]), ("Go on: I have taken what you sent.", ["$JS.FC.>"])]),
        "}",
    ]
    return "\n".join(lines) + "\n"


_ITS_EVENTS: Final = "Its events. The hub puts its name into their subjects, whatever they say."
_ITS_ANSWER: Final = "The answer to the hub's request; the server makes these subjects up."
_REQUEST: Final = f"Give me the events of `{OPS}` from here on: no other stream, nothing that changes one."

FILES: Final[Mapping[str, Callable[[], str]]] = {
    "all": partial(of_roles, ROLES),
    **{role: partial(of_roles, [role]) for role in ROLES},
    "provisioning": of_provisioning,
    "reader": of_a_reader,
    "edge1": partial(of_an_edge, "edge1"),
}


def _denied(granted: Collection[str]) -> list[str]:
    """What is granted by a wildcard, and would change a shared consumer, or take messages of one that is not ours."""
    return [
        subject
        for stream, consumer in ALL.consumers
        for subject in _meddling(stream, str(consumer.durable_name))
        if subject not in granted and any(overlap(subject, pattern) for pattern in granted)
    ]


def _meddling(stream: str, consumer: str) -> list[str]:
    of = f"{stream}.{consumer}"
    changing = (f"CREATE.{of}", f"CREATE.{of}.>", f"DURABLE.CREATE.{of}", f"DELETE.{of}")
    return [*(f"{API}.CONSUMER.{verb}" for verb in changing), *working(stream, consumer)]


def of(names: Sequence[str]) -> str:
    """The block of one process: of its roles, or of one of `FILES`, or of `edge:NAME`.

    Raises:
        ValueError: there is no such thing.

    """
    if set(names) <= set(ROLES):
        return of_roles(names)
    [name, *more] = names
    if not more and name.startswith(_EDGE):
        return of_an_edge(*edges.parse(name.removeprefix(_EDGE)))
    if more or name not in FILES:
        raise ValueError(f"{' '.join(names)}: name roles ({', '.join(ROLES)}), or one of {', '.join(WHOLE)}, edge:NAME")
    return FILES[name]()


def _block(title: str, grants: Sequence[Grant], name: str, *, answers: bool = False, shared: bool = True) -> str:
    granted = {subject for grant in grants for subject in grant.publish}
    hears = [*grants, Grant("What the server answers; nobody else's answers.", subscribe=[f"_INBOX.{name}.>"])]
    denied = [("Where the list above is wider: the consumers that are shared.", _denied(granted) if shared else [])]
    lines = [
        f"# {title}",
        MADE_BY,
        "",
        "publish {",
        *_list("allow", [(grant.why, grant.publish) for grant in grants]),
        *_list("deny", denied),
        "}",
        "subscribe {",
        *_list("allow", [(grant.why, grant.subscribe) for grant in hears]),
        "}",
        *(
            ["# One answer to whoever asks how a target is.", 'allow_responses { max: 1, expires: "10s" }']
            if answers
            else []
        ),
    ]
    return "\n".join(lines) + "\n"


def _list(verb: str, groups: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    if not any(subjects for _, subjects in groups):
        return
    yield f"  {verb}: ["
    seen: set[str] = set()
    for why, subjects in groups:
        new = [subject for subject in dict.fromkeys(subjects) if subject not in seen]
        seen.update(new)
        if new:
            yield f"    # {why}"
            yield from (f'    "{subject}"' for subject in new)
    yield "  ]"
