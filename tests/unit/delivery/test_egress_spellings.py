"""Every way to write an address that must not be reached, really tried, beside a listener that must see nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.delivery.egress.policy import ForbiddenAddressError
from tests.unit.delivery.canary import Listener, always, fault_of, listening_everywhere, session_of, status_of

# The names stand for what a DNS zone of somebody else's may answer; `localhost` for what the machine's own says.
NAMES = {
    "localhost": always("127.0.0.1", "::1"),
    "localhost.": always("127.0.0.1"),
    "LOCALHOST": always("127.0.0.1"),
    "localhost.localdomain": always("127.0.0.1"),
    "127.0.0.1.nip.example": always("127.0.0.1"),
    "metadata.google.internal": always("169.254.169.254"),
    "mapped.evil.example": always("::ffff:127.0.0.1"),
    "nat64.evil.example": always("64:ff9b::a9fe:a9fe"),
    "zone.evil.example": always("fe80::1%lo"),
    "many.evil.example": always("127.0.0.1", "::1", "0.0.0.0", "169.254.169.254"),  # noqa: S104 -- must be forbidden
}

THIS_MACHINE = (
    "127.0.0.1",
    "127.0.0.2",
    "127.1.2.3",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 -- must be forbidden
    "0x7f000001",  # hexadecimal
    "0X7F000001",
    "0x7f.1",
    "0x7f.0.0.0x1",
    "0x7f.0.1",
    "0x0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0001]",
    "[::1%25lo]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:0:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::f7f7:f7f7]",
    "[2001:0:808:808::80ff:fffe]",
    "[fe80::5efe:7f00:1]",
    "１２７.0.0.1",  # noqa: RUF001 -- full width
    "１２７．０．０．１",  # noqa: RUF001 -- and its dots
    "127。0。0。1",  # ideographic full stops
    "①②⑦.0.0.1",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏",  # noqa: RUF001 -- mathematical digits
    "user@127.0.0.1",
    "example.com:80@127.0.0.1",
    "localhost",
    "LOCALHOST",
    "LocalHost",
    "localhost.",
    "ⓛocalhost",
    "localhost.localdomain",
    "127.0.0.1.nip.example",
    "mapped.evil.example",
    "many.evil.example",
)

ELSEWHERE = (
    "169.254.169.254",
    "169.254.169.253",
    "169.254.170.2",
    "0xA9FEA9FE",
    "0xa9.0xfe.0xa9.0xfe",
    "169.254.0xa9fe",
    "0xa9.16689662",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[64:FF9B::A9FE:A9FE]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]",
    "[2001:0:808:808::5601:5601]",
    "[fd12::200:5efe:169.254.169.254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[FE80::A9FE:A9FE%25eth0]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "0.0.0.1",
    "１６９。２５４。１６９。２５４",  # noqa: RUF001 -- full width
    "metadata.google.internal",
    "nat64.evil.example",
    "zone.evil.example",
)

# Ways that are no host for aiohttp or the resolver: an address to a browser or to `inet_aton`, never connected by us.
NO_HOST = (
    "2130706433",  # decimal
    "0",
    "017700000001",  # octal
    "0177.0.0.1",
    "0177.0.0.01",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.0.0.1..",
    "127.000.000.001",
    "383.0.0.1",
    "4294967297",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "0xa9fea9fe.",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127.0.0.1%00.example.com",
    "127.0.0.1%23.example.com",
    "l\u00adocalhost\u200b.evil",
    "[::1",
    "[::1.]",
    "[127.0.0.1]",
    "[v1.127.0.0.1]",
    "[0:0:0:0:0:0:0:0:1]",
    "",
)


@pytest.fixture
async def canary() -> AsyncIterator[Listener]:
    async with listening_everywhere() as listener:
        yield listener


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with session_of(names={**NAMES}) as made:
        yield made


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", THIS_MACHINE + ELSEWHERE)
async def test_a_forbidden_address_is_not_connected_however_it_is_written(
    canary: Listener, session: aiohttp.ClientSession, host: str, scheme: str
) -> None:
    fault = await fault_of(session, f"{scheme}://{host}:{canary.port}/s3cret?token=s3cret")

    assert isinstance(fault, ForbiddenAddressError), repr(fault)
    assert str(fault).startswith("connections to ")
    assert str(fault).endswith("see EGRESS_ALLOW")
    assert "s3cret" not in str(fault)
    assert "user" not in str(fault)
    assert await canary.seen() == 0


@pytest.mark.parametrize("host", NO_HOST)
async def test_what_is_no_host_is_not_connected_either(
    canary: Listener, session: aiohttp.ClientSession, host: str
) -> None:
    await fault_of(session, f"http://{host}:{canary.port}/")

    assert await canary.seen() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "0.0.0.0", "0x7f000001", "①②⑦.0.0.1", "LocalHost"])  # noqa: S104 -- reached on purpose
async def test_without_the_policy_the_same_ways_lead_to_the_listener(canary: Listener, host: str) -> None:
    async with session_of("loopback, unspecified", names={**NAMES}) as session:
        assert await status_of(session, f"http://{host}:{canary.port}/") == 200

    assert await canary.seen() == 1


async def test_this_machines_own_name_is_forbidden_as_the_machine_resolves_it(canary: Listener) -> None:
    async with session_of(resolver=aiohttp.ThreadedResolver()) as session:
        fault = await fault_of(session, f"http://localhost:{canary.port}/")

    assert isinstance(fault, ForbiddenAddressError)
    assert await canary.seen() == 0


@pytest.mark.parametrize("url", ["unix:///tmp/nats.sock", "http+unix://%2Ftmp%2Fnats.sock/", "file:///etc/passwd"])
async def test_nothing_but_http_is_connected(session: aiohttp.ClientSession, url: str) -> None:
    assert isinstance(await fault_of(session, url), aiohttp.NonHttpUrlClientError)
