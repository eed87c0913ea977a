"""How many wrong tokens each address has sent: a bucket of guesses that fills up again. Pure."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

BURST: Final = 20  # guesses in a row
SECONDS: Final = 3.0  # until there is another one
_ADDRESSES: Final = 4096  # that are remembered: about 1 MiB
_IPV6_NETWORK: Final = 64  # bits: what one customer has
_LONGEST: Final = 64  # characters of what a proxy calls an address


class Guesses:
    """Guesses that are left to each address. Addresses that have been quiet longest are forgotten first."""

    def __init__(self, clock: Callable[[], float], burst: int = BURST, seconds: float = SECONDS) -> None:
        """`clock` gives seconds; each address gets `burst` guesses, and one more after each `seconds`."""
        self._clock = clock
        self._burst = burst
        self._seconds = seconds
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when the address has all its guesses again

    def wait(self, address: str) -> int:
        """Seconds until the address may guess again, rounded up; 0: it may now."""
        missing = self._full_at.get(network(address), 0.0) - self._clock()
        return max(0, math.ceil(missing - (self._burst - 1) * self._seconds))

    def take(self, address: str) -> None:
        """Count a wrong token."""
        key, now = network(address), self._clock()
        self._full_at[key] = max(self._full_at.pop(key, now), now) + self._seconds
        if len(self._full_at) > _ADDRESSES:
            self._full_at.popitem(last=False)


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address; what is neither, as it stands."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))
