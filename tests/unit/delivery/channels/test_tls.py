"""What every channel that speaks HTTP makes of certificates, and of TLS where there is none."""

from __future__ import annotations

import datetime as dt
import ssl

import aiohttp
import pytest
import trustme

from app.delivery.channels.http import make_session
from app.delivery.outcome import Delivered, TryLater
from tests.unit.delivery.channels.cases import CASES, Case
from tests.unit.delivery.endpoints import answer, endpoint

pytestmark = pytest.mark.parametrize("channel", CASES, ids=lambda case: case.name)

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> aiohttp.ClientSession:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return make_session(aiohttp.TCPConnector(ssl=context))


async def test_a_certificate_of_a_trusted_authority_is_good(channel: Case, authority: trustme.CA) -> None:
    tls = serving(authority.issue_cert("127.0.0.1"))
    async with trusting(authority) as session, endpoint(answer(200, channel.success), tls) as url:
        assert isinstance(await channel.send(session, url), Delivered)


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    channel: Case, authority: trustme.CA, session: aiohttp.ClientSession
) -> None:
    async with endpoint(answer(200, channel.success), serving(authority.issue_cert("127.0.0.1"))) as url:
        outcome = await channel.send(session, url)

    assert outcome == TryLater("the certificate is not trusted: unable to get local issuer certificate")


async def test_a_certificate_for_another_host_is_not_trusted(channel: Case, authority: trustme.CA) -> None:
    tls = serving(authority.issue_cert("other.example"))
    async with trusting(authority) as session, endpoint(answer(200, channel.success), tls) as url:
        outcome = await channel.send(session, url)

    assert outcome == TryLater("the certificate is not trusted: IP address mismatch")


async def test_a_certificate_that_has_expired_is_not_trusted(channel: Case, authority: trustme.CA) -> None:
    tls = serving(authority.issue_cert("127.0.0.1", not_before=NOW - 2 * DAY, not_after=NOW - DAY))
    async with trusting(authority) as session, endpoint(answer(200, channel.success), tls) as url:
        outcome = await channel.send(session, url)

    assert outcome == TryLater("the certificate is not trusted: certificate has expired")


async def test_an_endpoint_that_speaks_plain_http_has_no_tls(channel: Case, session: aiohttp.ClientSession) -> None:
    async with endpoint(answer(200, channel.success)) as url:
        outcome = await channel.send(session, url.replace("http://", "https://"))

    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith("no TLS with the endpoint: ")


async def test_an_endpoint_that_speaks_tls_is_not_spoken_to_in_plain_http(
    channel: Case, authority: trustme.CA, session: aiohttp.ClientSession
) -> None:
    async with endpoint(answer(200, channel.success), serving(authority.issue_cert("127.0.0.1"))) as url:
        outcome = await channel.send(session, url.replace("https://", "http://"))

    assert isinstance(outcome, TryLater)
    assert outcome.reason.startswith("the connection failed (")
