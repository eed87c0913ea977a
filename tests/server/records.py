"""Dead letters, parked events and batches of the ledger, published as delivery does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nats.aio.client import Client

from app.delivery import records

TARGET = "hooks.ops-system.pod-errors"
OTHER = "hooks.ops-system.pod-errors.more"  # begins like the first: a name may hold dots

EVENT = {"specversion": "1.0", "id": "e1", "source": "/s", "type": "Default", "data": {"big": 12345678901234567890}}


def headers(number: int) -> dict[str, str]:
    return {
        "Content-Type": "application/cloudevents+json",
        records.DELIVERY: f"d{number}",
        records.EVENT: f"e{number}",
        records.SEQUENCE: str(number),
        records.STORED: "1795409366.25",
        records.SUBJECT: "ops.a",
        records.REASON: "given up after 4 tries: the endpoint answered 400",
        records.TRIES: "4",
        records.ATTEMPTS: "6",
        records.FAILED: "1795409370.5",
    }


async def bury(
    client: Client,
    number: int,
    target: str = TARGET,
    payload: bytes | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """A dead letter; its id."""
    letter = {
        **headers(number),
        "Nats-Msg-Id": f"d{number}-ops-parked-{number}",
        records.CHANNEL: "webhook",
        records.URL: "https://example.com/hook?key=***",
        records.STATUS: "400",
        **more,
    }
    body = json.dumps(EVENT).encode() if payload is None else payload
    stored = await client.jetstream().publish(f"ops-dead-letters.{target}", body, headers=letter)
    return stored.seq


async def park(client: Client, number: int, target: str = TARGET) -> None:
    await client.jetstream().publish(f"ops-parked.{target}", json.dumps(EVENT).encode(), headers=headers(number))


async def parked(client: Client, target: str = TARGET) -> list[tuple[dict[str, str], bytes]]:
    """What is parked for a target, oldest first."""
    context = client.jetstream()
    found: list[tuple[dict[str, str], bytes]] = []
    state = (await context.stream_info("ops-parked")).state
    for sequence in range(state.first_seq, state.last_seq + 1):
        message = await context.get_msg("ops-parked", sequence)
        if message.subject == f"ops-parked.{target}":
            found.append((dict(message.headers or {}), message.data or b""))
    return found


def line(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "at": 1795409366.0 + number,
        "duration_ms": 12.5,
        "delivery": f"d{number}",
        "event": f"e{number}",
        "subject": "ops.a",
        "sequence": number,
        "attempt": 1,
        "outcome": "delivered",
        "status": 200,
        **changes,
    }


async def note(client: Client, *lines: dict[str, Any], target: str = TARGET, left_out: int = 0) -> int:
    """A batch of the ledger; its sequence."""
    written = {"Ops-Count": str(len(lines)), "Ops-Left-Out": str(left_out)}
    stored = await client.jetstream().publish(
        f"ops-attempts.{target}", json.dumps(lines, separators=(",", ":")).encode(), headers=written
    )
    return stored.seq
