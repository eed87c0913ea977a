"""A connection for the command line: short, and with messages for people instead of exceptions of the client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import nats.errors
from nats.js.errors import ServiceUnavailableError

from streams.access import Access
from streams.endpoint import redacted
from streams.secured import SecuredClient, explained

if TYPE_CHECKING:
    from nats.js import JetStreamContext

CONNECT_TIMEOUT_SECONDS = 5
ANSWER_TIMEOUT_SECONDS = 15
"""Three servers that have just met take longer to make a stream than one does."""
INBOX = "_INBOX.streams"
"""Prefix of the subjects on which it is answered; nobody else needs to hear them."""
RESETS = 3
"""How often a connection that the server hangs up on is tried again."""
NO_JETSTREAM = (None, 10039, 10076)
"""The server's `err_code` where JetStream is off: for all (nobody answers, or 10076) or for the account (10039)."""


class UnavailableError(Exception):
    """The server cannot be reached or asked; the message says why and how to mend it, and holds no secret."""


@contextlib.asynccontextmanager
async def connected(access: Access) -> AsyncIterator[JetStreamContext]:
    """JetStream of the first server that answers; closed at the end.

    Raises:
        UnavailableError: also for what goes wrong on the connection while it is in use.
        ValueError: what `access` says cannot be read.

    """
    shown = redacted(access.endpoint)
    client = await _connect(access)
    try:
        yield client.jetstream(timeout=ANSWER_TIMEOUT_SECONDS)
    except ServiceUnavailableError as error:
        raise UnavailableError(_why_no_jetstream(shown, error)) from error
    except nats.errors.TimeoutError as error:
        raise UnavailableError(
            f"{shown} does not answer JetStream requests: it may be electing a leader, or the user may lack "
            "the permissions to publish to $JS.API.> and to subscribe to _INBOX.>"
        ) from error
    except (nats.errors.Error, OSError) as error:
        raise UnavailableError(f"{shown}: {explained(error)}") from error
    finally:
        await client.close()


async def _connect(access: Access) -> SecuredClient:
    client, failure = await _try(access)
    for _ in range(RESETS):  # a server that refuses a user may hang up before its reason has been read
        if isinstance(failure, ConnectionResetError | BrokenPipeError):
            client, failure = await _try(access)
    if failure is not None:
        raise UnavailableError(_why(redacted(access.endpoint), failure)) from failure
    return client


async def _try(access: Access) -> tuple[SecuredClient, Exception | None]:
    """A client, and why it is not connected, if so."""
    client = SecuredClient()
    failures: list[Exception] = []

    async def note(failure: Exception) -> None:
        failures.append(failure)

    try:
        await client.connect(
            **access.options(),
            name="streams",
            inbox_prefix=INBOX,
            error_cb=note,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            allow_reconnect=False,
            max_reconnect_attempts=1,  # 0 would mean without end, also before the first connection
            reconnect_time_wait=0,
        )
    except (nats.errors.Error, OSError) as error:
        await client.close()
        return client, failures[-1] if failures else error
    return client, None


def _why(shown: str, error: Exception) -> str:
    if "authorization" in str(error).lower():
        return (
            f"{shown} does not let this user in: check the password in --server or EVENT_ENDPOINT, "
            "--credentials or --nkey"
        )
    return f"cannot reach {shown} ({explained(error)}): check --server or EVENT_ENDPOINT, and that it runs"


def _why_no_jetstream(shown: str, error: ServiceUnavailableError) -> str:
    if error.err_code in NO_JETSTREAM:
        return f"{shown} has no JetStream for this account: start it with --jetstream, or let the account have it"
    return f"{shown} cannot answer now ({error.description}): try again"
