"""One HTTP POST and what its answer means; shared by the channels that speak HTTP."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp

from app.delivery.outcome import Delivered, Outcome, Refused, TryLater

ATTEMPT_SECONDS: Final = 10.0  # an attempt ends after this, whatever the endpoint does
_CONNECT_SECONDS: Final = 5.0
_ANSWER_BYTES: Final = 4096  # read at most, so that the connection can be used again and a huge answer costs nothing
_ANSWER_SECONDS: Final = 1.0  # the status has decided by then; the answer's body is a courtesy
_DNS_SECONDS: Final = 30

# Client errors that a later try may overcome.
_TRANSIENT: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Post:
    """A request, ready to send."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def make_session() -> aiohttp.ClientSession:
    """A session for deliveries: no cookies, no proxies from the environment, no waiting for a free connection.

    How many attempts are in flight is decided in `dispatch.py`.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS),
        timeout=aiohttp.ClientTimeout(total=ATTEMPT_SECONDS, sock_connect=_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding"),
    )


async def post(session: aiohttp.ClientSession, request: Post) -> Outcome:
    """Send it once. Redirects are not followed: they are answers like any other."""
    try:
        async with session.post(
            request.url, data=request.body, headers=request.headers, allow_redirects=False
        ) as response:
            await _read_a_little(response)
            return judge(response.status, response.headers.get("Retry-After"))
    except TimeoutError:
        return TryLater(f"no answer within {ATTEMPT_SECONDS:.0f} s")
    except aiohttp.ClientConnectorError as error:
        return TryLater(f"cannot connect: {error.os_error.strerror or type(error.os_error).__name__}")
    except ValueError:  # of aiohttp, yarl or the IDNA codec; their texts may hold the URL
        return Refused("the URL is not valid")
    except (aiohttp.ClientError, OSError) as error:
        # The text of these may hold the URL, and the URL a secret.
        return TryLater(f"the connection failed ({type(error).__name__})")


async def _read_a_little(response: aiohttp.ClientResponse) -> None:
    if response.content.at_eof():  # the usual case: all of it has come with the headers
        return
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await response.content.read(_ANSWER_BYTES)
    except (TimeoutError, aiohttp.ClientError):
        response.close()


def judge(status: int, retry_after: str | None = None) -> Outcome:
    """What an answer means for the delivery."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered(status)
    reason = f"the endpoint answered {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TRANSIENT:
        return TryLater(reason, seconds(retry_after))
    return Refused(reason)


def seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds, or a date. None where it is neither."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
