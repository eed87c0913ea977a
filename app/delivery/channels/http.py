"""One HTTP POST, what came back of it, and what that means; shared by the channels that speak HTTP."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from typing import Final, NamedTuple

import aiohttp

from app.delivery.egress.policy import ForbiddenAddressError
from app.delivery.outcome import Answer, Busy, Delivered, Gone, Outcome, Refused, TryLater

ATTEMPT_SECONDS: Final = 10.0  # an attempt ends after this, whatever the endpoint does
USER_AGENT: Final = "ops-events"

_CONNECT_SECONDS: Final = 5.0
_ANSWER_BYTES: Final = 4096  # read at most: most answers end before, and their connection can be used again
_ANSWER_SECONDS: Final = 1.0  # the status has decided by then; the answer's body is a courtesy
_KEPT_BYTES: Final = 1024  # of an answer, for the ledger
_DNS_SECONDS: Final = 30
_LARGE_BYTES: Final = 256 * 1024

_SUCCESS: Final = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

# Client errors that no message causes: a token, a path or a lock is wrong, and whoever mends it wants what was missed.
_ENDPOINT_AT_FAULT: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.LOCKED,
        HTTPStatus.FAILED_DEPENDENCY,
        HTTPStatus.TOO_EARLY,
    }
)


class Post(NamedTuple):
    """A request, ready to send."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What an endpoint answered, as far as it was read."""

    status: int
    retry_after: str | None  # the header as it came
    body: bytes

    @property
    def answer(self) -> Answer:
        return Answer(self.status, self.body[:_KEPT_BYTES])


def make_session(
    connector: aiohttp.TCPConnector | None = None, seconds: float = ATTEMPT_SECONDS
) -> aiohttp.ClientSession:
    """A session for deliveries: no cookies, no proxies from the environment, no waiting for a free connection.

    How many attempts are in flight is decided in `lane.py`, where they may connect by the connector
    (`egress/policy.py`). An attempt ends after `seconds`.
    """
    return aiohttp.ClientSession(
        connector=connector or aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding"),
        read_bufsize=_ANSWER_BYTES,
    )


async def post(session: aiohttp.ClientSession, request: Post) -> Outcome:
    """Send it once, and judge the answer by its status."""
    reply = await exchange(session, request)
    return reply if isinstance(reply, TryLater) else judge(reply.answer, reply.retry_after)


async def exchange(
    session: aiohttp.ClientSession,
    request: Post,
    most: int = _ANSWER_BYTES,
    patience: float | None = _ANSWER_SECONDS,
) -> Reply | TryLater:
    """Send it once, and read the beginning of the answer. Redirects are not followed: they are answers like any other.

    Of the answer's body at most `most` bytes are read, in at most `patience` seconds; None: in what the attempt may
    take. What has come by then is the reply, be it whole or not.
    """
    try:
        data = _payload(request.body)
        response = await session.post(request.url, data=data, headers=request.headers, allow_redirects=False)
        try:
            body = await _beginning(response.content, most, patience)
        finally:
            response.close()  # ends the connection where there is more to come; else it is back in the pool already
        return Reply(response.status, response.headers.get("Retry-After"), body)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        return TryLater(_reason(error, session.timeout.total))


def _payload(body: bytes) -> bytes | BytesIO:
    """A large body is written piece by piece, so that the event loop is not held up meanwhile."""
    return body if len(body) <= _LARGE_BYTES else BytesIO(body)


async def _beginning(content: aiohttp.StreamReader, most: int, patience: float | None) -> bytes:
    if content.at_eof():  # nothing has come, and nothing will
        return b""
    if content.is_eof():  # the usual case: all of it has come with the headers
        return content.read_nowait(most)
    body = b""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(patience):
            while len(body) < most and not content.at_eof():
                body += await content.read(most - len(body))
    return body


def _reason(error: Exception, seconds: float | None) -> str:
    """Why there is no answer. The errors' own texts may hold the URL, and the URL a secret."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return f"no connection within {_CONNECT_SECONDS:g} s"
        case TimeoutError():
            return f"no answer within {seconds:g} s"
        case aiohttp.ClientConnectorError():
            return _no_connection(error)
        case ValueError():  # of aiohttp, yarl or the IDNA codec
            return "the URL is not valid"
    return f"the connection failed ({type(error).__name__})"


def _no_connection(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not trusted: {_verdict(error.certificate_error)}"
    if isinstance(error.os_error, ForbiddenAddressError):
        return str(error.os_error)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"no TLS with the endpoint: {getattr(error.os_error, 'reason', None) or 'the handshake failed'}"
    return f"cannot connect: {error.os_error.strerror or type(error.os_error).__name__}"


def _verdict(error: Exception) -> str:
    """What is wrong with a certificate, as OpenSSL puts it; the host's name that may follow is left out."""
    return str(getattr(error, "verify_message", "") or type(error).__name__).partition(",")[0]


def judge(answer: Answer, retry_after: str | None = None) -> Outcome:
    """What an answer means for the delivery: whether it worked, and else whether endpoint or message is at fault."""
    status = answer.status
    if status in _SUCCESS:
        return Delivered(answer)
    reason = f"the endpoint answered {status}"
    if status in _BUSY:
        return Busy(reason, seconds(retry_after), answer)
    if status == HTTPStatus.GONE:
        return Gone(reason, answer)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _ENDPOINT_AT_FAULT:
        return Refused(reason, answer)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        reason += ": redirects are not followed, give the hook the new URL"
    return TryLater(reason, seconds(retry_after), answer)


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
