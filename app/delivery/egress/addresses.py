"""What kind of place an IP address is, and which IPv4 addresses an IPv6 address stands for.

Pure, and a table: `policy.py` says which kinds are closed. The standard library's `is_global` and its kin are not
asked: they say yes to multicast, to site-local addresses and to forms that carry an IPv4 address.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*written: str) -> tuple[Network, ...]:
    return tuple(ip_network(network) for network in written)


# The first kind that an address is in names it.
KINDS: Final[Mapping[str, tuple[Network, ...]]] = {
    "loopback": _networks("127.0.0.0/8", "::1"),
    "link-local": _networks("169.254.0.0/16", "fe80::/10"),
    # Where clouds hand their machines credentials: whoever may ask there, may act as the machine.
    "metadata": _networks(
        "169.254.169.254",  # most clouds; link-local already, listed so that the word `metadata` has it too
        "169.254.170.2",  # Amazon ECS, tasks
        "169.254.170.23",  # Amazon EKS, pods
        "fd00:ec2::254",  # Amazon EC2 by IPv6
        "fd00:ec2::23",  # Amazon EKS by IPv6
        "fd20:ce::254",  # Google by IPv6
        "fd00:42::42",  # Scaleway by IPv6
        "fd00:c1::a9fe:a9fe",  # Oracle by IPv6
        "192.0.0.192",  # Oracle
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's channel to its virtual machines
    ),
    "unspecified": _networks("0.0.0.0/8", "::"),  # a connect to these ends at this machine
    "multicast": _networks("224.0.0.0/4", "ff00::/8"),
    "reserved": _networks(
        "240.0.0.0/4",  # and the broadcast address
        "64:ff9b:1::/48",  # local NAT64, RFC 8215: where the IPv4 address stands is the network's own affair
        "100::/64",  # discard only, RFC 6666
        "fec0::/10",  # site-local, RFC 3879
    ),
    "private": _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
}

_IPV4_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_TEREDO: Final = IPv6Network("2001::/32")

# Networks whose addresses carry an IPv4 address, and how many bits to the right of it there are.
_CARRIERS: Final = (
    (_IPV4_MAPPED, 0),
    (IPv6Network("::/96"), 0),  # IPv4-compatible, RFC 4291
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("64:ff9b:1::/48"), 0),  # local NAT64 as it is mostly set up, with a prefix of 96 bits
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
    (_TEREDO, 64),  # its server, RFC 4380
)
_32_BITS: Final = 0xFFFF_FFFF
_ISATAP: Final = 0x0000_5EFE  # RFC 5214: the upper half of the interface's id
_ISATAP_MASK: Final = 0xFDFF_FFFF  # without the bit that tells global from local


def kind_of(address: Address) -> str | None:
    """A key of `KINDS`; None for an address like any other."""
    return next((kind for kind, networks in KINDS.items() if any(address in network for network in networks)), None)


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that a connect to an IPv6 address may end at."""
    bits = int(address)
    if isinstance(address, IPv4Address) or bits <= 1:  # :: and ::1 mean themselves
        return ()
    carried = [bits >> shift & _32_BITS for network, shift in _CARRIERS if address in network]
    if address in _TEREDO:
        carried.append(~bits & _32_BITS)  # the client's address, stored inverted
    if bits >> 32 & _ISATAP_MASK == _ISATAP:
        carried.append(bits & _32_BITS)
    return tuple(map(IPv4Address, carried))


def plain(network: Network) -> Network:
    """A network of IPv4-mapped addresses as the IPv4 network that it is; any other as it came."""
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        host = int(network.network_address) & _32_BITS
        return IPv4Network((host, network.prefixlen - _IPV4_MAPPED.prefixlen))
    return network
