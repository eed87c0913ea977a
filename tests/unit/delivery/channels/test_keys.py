"""Where the keys of a hook come from, and what happens where they cannot be had."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import pytest

from app.delivery.channels.keys import Keys, Reference, reference_of
from app.delivery.channels.webhook import Webhook
from app.delivery.outcome import TryLater
from app.errors import NotFoundError, UnavailableError
from tests.unit.delivery.doubles import PROMPTLY, delivery, target
from tests.unit.delivery.endpoints import answer, endpoint, status_of

NAMED = target(options={"secretRef": "signing"})
WAY_OFF = "http://127.0.0.1:9/"


class Secrets:
    """Stands in for Kubernetes: answers in turn, the last answer for ever."""

    def __init__(self, *answers: str | Exception) -> None:
        self._answers: Sequence[str | Exception] = answers
        self.asked: list[Reference] = []
        self.begun = asyncio.Event()
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self, namespace: str, name: str, key: str) -> str:
        self.asked.append(Reference(namespace, name, key))
        self.begun.set()
        said = self._answers[min(len(self.asked), len(self._answers)) - 1]
        await self.let.wait()
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        ("signing", Reference("ns", "signing", "secret")),
        ("signing/token", Reference("ns", "signing", "token")),
        ("a.b/c.d", Reference("ns", "a.b", "c.d")),
    ],
)
def test_a_reference_is_of_the_hooks_own_namespace(given: str, reference: Reference) -> None:
    assert reference_of(target("hooks.ns.a.dotted.name", options={"secretRef": given})) == reference


async def test_a_hook_without_a_secret_has_no_keys_and_asks_nobody() -> None:
    secrets = Secrets("x")

    assert await Keys(secrets).of(target()) == ()
    assert secrets.asked == []


async def test_a_secret_in_the_options_needs_no_kubernetes() -> None:
    secrets = Secrets("x")

    assert await Keys(secrets).of(target(options={"secret": "one! two!", "secretRef": "other"})) == (b"one!", b"two!")
    assert secrets.asked == []


async def test_a_secret_of_kubernetes_may_hold_two_keys() -> None:
    assert await Keys(Secrets("one! two!\n")).of(NAMED) == (b"one!", b"two!")


async def test_a_secret_is_read_again_after_a_minute(clock: list[float]) -> None:
    keys = Keys(Secrets("old!", "new!"))
    found: list[bytes] = []
    for passed in (0, 59, 2):
        clock[0] += passed
        found += await keys.of(NAMED)

    assert found == [b"old!", b"old!", b"new!"]


async def test_many_that_ask_at_once_are_one_question() -> None:
    secrets = Secrets("key!")
    secrets.let.clear()
    keys = Keys(secrets)
    asking = [asyncio.create_task(keys.of(NAMED)) for _ in range(20)]
    await asyncio.wait_for(secrets.begun.wait(), PROMPTLY)
    asking[0].cancel()  # who asked first does not wait for the answer
    secrets.let.set()

    assert await asyncio.wait_for(asyncio.gather(*asking[1:]), PROMPTLY) == [(b"key!",)] * 19
    assert len(secrets.asked) == 1


async def test_a_secret_that_was_read_is_used_on_while_kubernetes_is_away(clock: list[float]) -> None:
    keys = Keys(Secrets("key!", UnavailableError("away")))
    found = [await keys.of(NAMED)]
    clock[0] += 61

    assert [*found, await keys.of(NAMED)] == [(b"key!",)] * 2


async def test_a_secret_that_is_gone_is_not_used_on(clock: list[float]) -> None:
    keys = Keys(Secrets("key!", NotFoundError("gone")))
    await keys.of(NAMED)
    clock[0] += 61

    with pytest.raises(NotFoundError, match="gone"):
        await keys.of(NAMED)


async def test_a_secret_that_failed_is_asked_for_again() -> None:
    keys = Keys(Secrets(UnavailableError("away"), "key!"))
    with pytest.raises(UnavailableError):
        await keys.of(NAMED)

    assert await keys.of(NAMED) == (b"key!",)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (UnavailableError("the API server is away"), "the API server is away"),
        (NotFoundError("there is no Secret ns/signing"), "there is no Secret ns/signing"),
        ("", "the Secret ns/signing, key secret: is empty"),
        (" \n", "the Secret ns/signing, key secret: is empty"),
        ("whsec_c2hvcnQ=", "the Secret ns/signing, key secret: behind whsec_ must stand base64 of 24 to 64 bytes"),
    ],
)
async def test_what_cannot_be_signed_is_not_sent_but_tried_later(
    session: aiohttp.ClientSession, said: str | Exception, why: str
) -> None:
    sent = delivery(url=WAY_OFF, options={"secretRef": "signing"})

    assert await Webhook(session, Secrets(said)).send(sent) == TryLater(f"cannot be signed: {why}")


async def test_without_kubernetes_a_reference_cannot_be_followed(session: aiohttp.ClientSession) -> None:
    outcome = await Webhook(session).send(delivery(url=WAY_OFF, options={"secretRef": "signing"}))

    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith("cannot be signed: the Secret ns/signing, key secret cannot be read without")


async def test_a_webhook_is_signed_with_the_key_of_its_secret(session: aiohttp.ClientSession) -> None:
    async with endpoint(answer(204)) as url:
        outcome = await Webhook(session, Secrets("key!")).send(delivery(url=url, options={"secretRef": "signing"}))

    assert status_of(outcome) == 204
