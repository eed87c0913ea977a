"""Judging addresses: what is closed by itself, however it is written, and what is open."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.egress.addresses import KINDS, embedded, kind_of, plain
from app.delivery.egress.policy import ForbiddenAddressError, Policy

DEFAULT = Policy()

CLOSED = {
    "loopback": ("127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1", "::1%lo"),
    "link-local": ("169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "fe80::1%eth0", "febf:ffff::1"),
    "metadata": (
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "FD00:0EC2::0254",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
    ),
    "unspecified": ("0.0.0.0", "0.0.0.1", "0.255.255.255", "::"),  # noqa: S104 -- an address to forbid
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "fec0::1", "100::1", "64:ff9b:1::8.8.8.8"),
}

OPEN = (
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "223.255.255.255",
    "168.63.129.17",
    "2606:4700::1111",
    "2001:4860:4860::8888",
    "64:ff9b::8.8.8.8",  # the world through NAT64
    "2002:808:808::1",
    "::ffff:8.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
)

# Each way of IPv6 to say an IPv4 address, with the address in hexadecimal left open.
CARRIERS = {
    "mapped": "::ffff:{0}:{1}",
    "mapped, written long": "0:0:0:0:0:FFFF:{0}:{1}",
    "compatible": "::{0}:{1}",
    "translated": "::ffff:0:{0}:{1}",
    "NAT64": "64:ff9b::{0}:{1}",
    "local NAT64": "64:ff9b:1::{0}:{1}",
    "local NAT64, another prefix": "64:ff9b:1:abcd:1:2:{0}:{1}",
    "6to4": "2002:{0}:{1}::",
    "6to4 with a host": "2002:{0}:{1}:1:2:3:4:5",
    "Teredo, server": "2001:0:{0}:{1}:0:0:f7f7:f7f7",
    "ISATAP": "2606:4700::5efe:{0}:{1}",
    "ISATAP, global": "2606:4700::200:5efe:{0}:{1}",
}


def carried(form: str, address: str) -> str:
    bits = int(ip_address(address))
    return form.format(f"{bits >> 16:x}", f"{bits & 0xFFFF:x}")


@pytest.mark.parametrize(
    ("kind", "address"), [(kind, each) for kind, addresses in CLOSED.items() for each in addresses]
)
def test_an_address_is_closed_and_the_refusal_says_what_it_is(kind: str, address: str) -> None:
    with pytest.raises(ForbiddenAddressError) as raised:
        DEFAULT.check(address)

    assert str(raised.value) == f"connections to {address} are not allowed ({kind}): see EGRESS_ALLOW"


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_world_or_of_a_private_network_is_open(address: str) -> None:
    DEFAULT.check(address)


@pytest.mark.parametrize("form", CARRIERS.values(), ids=CARRIERS)
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "100.100.100.200", "224.0.0.1", "0.0.0.0"])  # noqa: S104 -- an address to forbid
def test_an_ipv4_address_is_closed_inside_an_ipv6_address_too(form: str, address: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        DEFAULT.check(carried(form, address))


def test_a_teredo_clients_inverted_address_is_read() -> None:
    inverted = 0xFFFF_FFFF ^ int(ip_address("169.254.169.254"))

    with pytest.raises(ForbiddenAddressError):
        DEFAULT.check(f"2001:0:808:808:0:0:{inverted >> 16:x}:{inverted & 0xFFFF:x}")
    DEFAULT.check("2001:0:808:808:0:0:f7f7:f7f7")  # server and client are 8.8.8.8


@pytest.mark.parametrize("form", [form for name, form in CARRIERS.items() if name not in {"compatible", "local NAT64"}])
@given(bits=st.integers(0, 0xFFFF_FFFF))
def test_whatever_ipv4_address_is_carried_it_is_found(form: str, bits: int) -> None:
    address = ip_address(bits)

    assert address in embedded(ip_address(carried(form, str(address))))


@given(address=st.ip_addresses())
def test_an_address_is_judged_whatever_it_is(address: IPv6Address) -> None:
    kind = kind_of(address)

    assert kind is None or any(address in network for network in KINDS[kind])


@pytest.mark.parametrize("written", ["", "example.com", "127.1", "0x7f000001", "127.0.0.01", "[::1]", "1.1.1.1 "])
def test_what_is_no_literal_address_is_not_connected(written: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="not an IP address"):
        DEFAULT.check(written)


def test_this_machine_is_open_where_the_application_runs_embedded() -> None:
    embedded_policy = Policy(loopback=True)

    for address in ("127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1"):
        embedded_policy.check(address)
    for address in ("169.254.169.254", "0.0.0.0", "::", "224.0.0.1"):  # noqa: S104 -- an address to forbid
        with pytest.raises(ForbiddenAddressError):
            embedded_policy.check(address)


@pytest.mark.parametrize(
    ("network", "same"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("fd00::/8", "fd00::/8"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_of_mapped_addresses_is_the_ipv4_network(network: str, same: str) -> None:
    assert plain(ip_network(network)) == ip_network(same)
