"""Hostile requests by clients of few rights: no fault, nothing outside of their rights, nothing injected.

Hypothesis makes the requests up, the same in each run; `FUZZ_EXAMPLES` is how many batches of them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import nats
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg

from streams import live
from tests.acceptance import hostile
from tests.acceptance.access import entry, write
from tests.app import App, running_app
from tests.servers import running_nats, settle

BATCHES: Final = int(os.environ.get("FUZZ_EXAMPLES", "60"))
AT_ONCE: Final = 24
TOKENS: Final = (("publisher", BATCHES), ("reader", BATCHES // 3), ("keeper", BATCHES // 3))
SETTLED: Final = 0.5  # seconds until what a client did not wait for is on the stream, too
SECONDS: Final = 20.0  # for one answer

INSIDE: Final = "ops.clusters.default.namespaces.team-a."  # all that the publisher may write below
RIGHTS: Final = (
    entry("publisher", publish=[f"{INSIDE}>"], read=[f"{INSIDE}>"]),
    entry("reader", read=["ops.>"]),
    entry("keeper", hooks=["ops-system"], read=["ops.>"]),
)
INTERNAL: Final = ("$JS.", "$KV.", "$SYS.", "_INBOX.")  # what the app and the server tell each other
ALLOWED: Final = {200, 201, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 417, 422, 429, 431, 501}


@dataclass
class Fuzzed:
    """A running app, what came onto NATS, and what was answered."""

    app: App
    wire: Client
    seen: list[Msg]
    statuses: Counter[int] = field(default_factory=Counter)
    stored: int = 0

    async def batch(self, token: str, requests: Sequence[hostile.Request]) -> None:
        answers = await asyncio.gather(*(self.answer(token, request) for request in requests))
        await self.wire.flush()
        for message in self.seen:
            self.judge(token, message)
        self.statuses.update(status for status, _ in answers)
        self.stored += len(self.seen)
        self.seen.clear()
        for (status, head), request in zip(answers, requests, strict=True):
            assert status in ALLOWED, f"{status} to {request}"
            assert hostile.INJECTED not in head.lower(), request

    async def answer(self, token: str, request: hostile.Request) -> tuple[int, bytes]:
        """The status and the head of the answer; 400 as well for a connection that is closed on what is no request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.app.port)
        try:
            writer.write(request.begin + b"Authorization: Bearer %b-token\r\n" % token.encode() + request.rest)
            async with asyncio.timeout(SECONDS):
                head = await _head(reader)
            return int(head.split(b" ", 2)[1]), head
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if request.ends_early:
                return 400, b""
            raise AssertionError(f"no answer to {request}") from error
        except TimeoutError as error:
            raise AssertionError(f"no answer in time to {request}") from error
        finally:
            writer.close()

    def judge(self, token: str, message: Msg) -> None:
        """A message is an event of somebody who has the right, whole, and nothing else."""
        assert token == "publisher", f"{token} has published to {message.subject}"
        assert message.subject.startswith(INSIDE), message.subject
        assert message.subject.isprintable(), message.subject
        assert not set(message.subject) & set(" *>"), message.subject
        headers = message.headers or {}
        assert set(headers) <= {"Content-Type", "Nats-Msg-Id"}, headers
        event = json.loads(message.data)
        assert event["subject"] == message.subject
        assert event["specversion"] == "1.0"


async def _head(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return await _head(reader) if head.startswith(b"HTTP/1.1 100") else head


@asynccontextmanager
async def fuzzed(folder: Path) -> AsyncIterator[Fuzzed]:
    write(folder / "access.yaml", *RIGHTS)
    async with running_nats(folder / "nats") as server:
        wire = await nats.connect(server.url)
        await live.provision(wire.jetstream(), 1)
        seen: list[Msg] = []

        async def see(message: Msg) -> None:
            if not message.subject.startswith(INTERNAL):
                seen.append(message)

        environment = {"EVENT_ENDPOINT": server.url, "ACCESS_FILE": str(folder / "access.yaml")}
        async with running_app(folder / "app", **environment) as app:
            await wire.subscribe(">", cb=see)
            await settle(wire)
            yield Fuzzed(app, wire, seen)
        await wire.close()


def let_loose(runner: asyncio.Runner, run: Fuzzed, token: str, batches: int) -> None:
    """Send batches of requests with one token, and wait until nothing of them is on its way."""

    @settings(
        max_examples=batches,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(hostile.requests(), min_size=AT_ONCE, max_size=AT_ONCE))
    def ask(requests: list[hostile.Request]) -> None:
        runner.run(run.batch(token, requests))

    ask()
    runner.run(asyncio.sleep(SETTLED))
    runner.run(run.batch(token, []))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.timeout(0 if "FUZZ_EXAMPLES" in os.environ else 120)
def test_hostile_requests_do_nothing_that_their_sender_may_not(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        running = fuzzed(tmp_path)
        run = runner.run(running.__aenter__())
        try:
            for token, batches in TOKENS:
                let_loose(runner, run, token, batches)
            runner.run(run.app.wait_until_ready())
            kept = runner.run(run.wire.jetstream().stream_info("ops")).state.messages
        finally:
            runner.run(running.__aexit__(None, None, None))
    print(dict(run.statuses), run.stored)
    assert "Traceback" not in run.app.log
    assert "-token" not in run.app.log
    assert {200, 400, 403, 404} <= set(run.statuses)
    assert 0 < kept <= run.stored  # a message that came twice is on the wire twice, and kept once
