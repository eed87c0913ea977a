"""The rules of subjects, held against the real nats-server."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable, Sequence

import nats
import pytest
from nats.aio.client import Client

from app.events import subject
from app.hooks.hook import parse
from app.hooks.matching.index import SubjectIndex
from app.hooks.matching.match import CompiledHook, compile_hook
from tests.servers import NatsServer
from tests.unit.hooks.resources import found_by

COUNT = 300
TOKENS = ["a", "b", "A", "b*", "%"]  # few, so that matches are frequent; `b*` is a plain token on the wire
Matrix = set[tuple[str, str]]


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncIterator[Client]:
    connected = await nats.connect(nats_server.url)
    try:
        yield connected
    finally:
        await connected.close()


def distinct(made: Iterable[str]) -> list[str]:
    """The first `COUNT` different ones."""
    found: dict[str, None] = {}
    for each in made:
        found[each] = None
        if len(found) == COUNT:
            break
    return list(found)


def random_subjects(seed: int) -> list[str]:
    rng = random.Random(seed)  # noqa: S311 -- a seeded test, not a secret
    return distinct(".".join(["ops", *rng.choices(TOKENS, k=rng.randint(1, 4))]) for _ in range(100_000))


def random_filters(seed: int) -> list[str]:
    rng = random.Random(seed)  # noqa: S311 -- a seeded test, not a secret
    tokens = ["a", "b", "A", "%", "*", "*"]

    def one() -> str:
        return ".".join(["ops", *rng.choices(tokens, k=rng.randint(0, 3)), rng.choice([*tokens, ">", ">"])])

    return distinct(one() for _ in range(100_000))


async def seen_by_server(client: Client, filters: Sequence[str], subjects: Sequence[str]) -> Matrix:
    """Which filter saw which subject.

    A last message marks the end: commands of one connection are handled in order. A flush of nats-py does not: its
    PING may go out before commands that still wait.
    """
    subscriptions = {pattern: await client.subscribe(pattern) for pattern in filters}
    end = await client.subscribe("end")
    for each in (*subjects, "end"):
        await client.publish(each)
    await end.next_msg(timeout=30)
    seen: list[tuple[str, str]] = []
    for pattern, subscription in subscriptions.items():
        while subscription.pending_msgs:
            seen.append((pattern, (await subscription.next_msg()).subject))
    assert len(seen) == len(set(seen))
    return set(seen)


def hook_on(pattern: str, number: int) -> CompiledHook:
    spec = {"type": "webhook", "subject": pattern, "url": "http://receiver.example/"}
    return compile_hook(parse({"metadata": {"name": f"hook-{number}"}, "spec": spec}, "ns"))


@pytest.mark.parametrize("seed", [1, 2])
async def test_matching_agrees_with_the_server_on_every_pair(client: Client, seed: int) -> None:
    filters, subjects = random_filters(seed), random_subjects(seed)
    seen = await seen_by_server(client, filters, subjects)

    assert len(filters) == len(subjects) == COUNT
    assert len(seen) > 3000
    assert COUNT * COUNT - len(seen) > 3000
    assert {(pattern, each) for pattern in filters for each in subjects if subject.matches(pattern, each)} == seen


@pytest.mark.parametrize("seed", [3])
async def test_the_index_of_hooks_agrees_with_the_server_on_every_pair(client: Client, seed: int) -> None:
    filters, subjects = random_filters(seed), random_subjects(seed)
    seen = await seen_by_server(client, filters, subjects)
    index = SubjectIndex(hook_on(pattern, number) for number, pattern in enumerate(filters))
    found = [(hook.hook.spec.subject, each) for each in subjects for hook in found_by(index, each)]

    assert len(found) == len(set(found)) > 3000
    assert set(found) == seen


async def test_a_subject_with_a_wildcard_in_it_is_given_to_each_subscription_once(client: Client) -> None:
    """The server takes such a subject from any client and stores it, so the matcher sees it."""
    filters, subjects = ["ops.*", "ops.>", "ops.a", "ops.*.b", "*.*"], ["ops.*", "ops.>", "ops.*.b"]
    seen = await seen_by_server(client, filters, subjects)
    index = SubjectIndex(hook_on(pattern, number) for number, pattern in enumerate(filters[:4]))
    found = [(hook.hook.spec.subject, each) for each in subjects for hook in found_by(index, each)]

    assert {(pattern, each) for pattern in filters for each in subjects if subject.matches(pattern, each)} == seen
    assert sorted(found) == sorted(pair for pair in seen if pair[0] != "*.*")


async def test_encoded_names_pass_through_the_server_unchanged(client: Client) -> None:
    names = ["ip-10-0-0-1.ec2.internal", "a_b", "100%", "a b", "*", ">", "日本", "\r\n", "", "\u2028", "e\u0301"]
    template = "ops.clusters.{cluster}.nodes.{node}.events"
    subjects = [subject.fill(template, {"cluster": "c", "node": name}) for name in names]
    seen = await seen_by_server(client, [subject.as_filter(template)], subjects)

    assert {dict(subject.named(each))["node"] for _, each in seen} == set(names)
