"""The hooks of the bench, made over HTTP as a user would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import aiohttp

from tests.bench import events
from tests.bench.programs import Program, WrongError

_AT_ONCE: Final = 32
_THAT_SEE: Final = 50  # of a thousand hooks, those whose subject sees the events
_NOWHERE: Final = "http://127.0.0.1:9/nobody-is-to-come-here"

Hook = dict[str, Any]


def that_wants_all(url: str, name: str = "wants-all") -> Hook:
    return _hook(name, events.SEEN_BY_ALL, url, "BackOff")


def that_wants(subject: str, url: str, name: str) -> Hook:
    return _hook(name, subject, url)


def that_sees_and_wants_none(number: int) -> Hook:
    return _hook(f"sees-{number}", events.SEEN_BY_ALL, _NOWHERE, f"Reason{number}", f"word-{number}")


def thousand_that_want_none() -> list[Hook]:
    """A mix: some see the events and want other words; most see other objects, other namespaces, other kinds."""
    return [_one_of_thousand(number) for number in range(1000)]


def _one_of_thousand(number: int) -> Hook:
    if number < _THAT_SEE:
        return that_sees_and_wants_none(number)
    subjects = (
        f"ops.clusters.default.namespaces.{events.NAMESPACE}.pods.other-{number}.events",
        f"ops.clusters.*.namespaces.team-{number}.*.*.events",
        f"ops.clusters.*.namespaces.*.kind{number}s.*.events",
        f"ops.clusters.cluster-{number}.>",
    )
    return _hook(f"other-{number}", subjects[number % len(subjects)], _NOWHERE, f"Reason{number}", f"word-{number}")


def _hook(name: str, subject: str, url: str, *include: str) -> Hook:
    spec = {"type": "webhook", "subject": subject, "url": url, "keywords": {"include": include}}
    return {"metadata": {"name": name}, "spec": spec}


async def create(app: Program, hooks: Iterable[Hook]) -> None:
    """Create them, many at once.

    Raises:
        WrongError: one was refused.
    """
    places = asyncio.Semaphore(_AT_ONCE)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{app.port}") as session:
        await asyncio.gather(*(_create(session, places, hook) for hook in hooks))


async def _create(session: aiohttp.ClientSession, places: asyncio.Semaphore, hook: Hook) -> None:
    path = "/api/v1/namespaces/ops-system/eventhooks"
    async with places, session.post(path, json=hook) as answer:
        if not answer.ok:
            raise WrongError(f"hook {hook['metadata']['name']}: {answer.status} {await answer.text()}")
