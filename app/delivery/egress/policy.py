"""Where deliveries may connect.

A `Policy` is what EGRESS_ALLOW and EGRESS_DENY say: deny wins over allow, allow over the defaults. `Egress` makes the
connector that holds every connect to it, whichever channel asks. What kind of place an address is stands in
`addresses.py`.

The address is judged in the connector's socket factory: it is given the very address that is connected next, one by
one, after names were resolved. What is no literal address there is refused, so that nothing is looked up after the
check. A connection from the pool was judged when it was made.
"""

from __future__ import annotations

import errno
import re
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final, Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from app.delivery.egress.addresses import KINDS, Address, Network, embedded, kind_of, plain

ALLOW: Final = "EGRESS_ALLOW"
DENY: Final = "EGRESS_DENY"

_DNS_SECONDS: Final = 30
_OPEN: Final = frozenset({None, "private"})  # kinds that need no entry
# Whoever rules a name's zone points the name anywhere: these are opened by their address, never by a name.
_NEVER_BY_NAME: Final = frozenset({"link-local", "metadata"})

_LABEL = r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"({_LABEL}\.)*(?!([0-9]+|0x[0-9a-f]*)$){_LABEL}")  # a last label that is a number: no name


class ForbiddenAddressError(OSError):
    """A connect that the policy forbids. The message names the host or the address and never more of a URL."""

    def __init__(self, where: str, why: str, setting: str) -> None:
        super().__init__(errno.EACCES, f"connections to {where} are not allowed ({why}): see {setting}")

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True, slots=True)
class Entries:
    """What one of the two settings lists."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    zones: tuple[str, ...] = ()  # of `*.example.com`: `.example.com`

    def network_of(self, address: Address) -> Network | None:
        """The entry that an address is in."""
        return next((network for network in self.networks if address in network), None)

    def has(self, host: str) -> bool:
        """Whether a name, as it stands in a URL, is listed."""
        name = host.rstrip(".").lower()
        return name in self.hosts or name.endswith(self.zones)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which hosts and addresses may be connected to."""

    allow: Entries = Entries()
    deny: Entries = Entries()
    loopback: bool = False  # this machine is open, as where everything runs on one

    @classmethod
    def parse(cls, allow: str, deny: str, *, loopback: bool) -> Self:
        """Read the two settings: addresses, networks, host names and kinds of address, comma-separated.

        Raises:
            ValueError: an entry is none of these; the message names the setting and the entry.
        """
        return cls(_entries(ALLOW, allow), _entries(DENY, deny), loopback)

    def check_host(self, host: str) -> None:
        """Judge the host of a URL, before its name is resolved.

        Raises:
            ForbiddenAddressError: the name is denied.
        """
        if (self.deny.hosts or self.deny.zones) and self.deny.has(host):
            raise ForbiddenAddressError(host, "denied by name", DENY)

    def check(self, address: str, host: str = "") -> None:
        """Judge an address that is about to be connected for a host, and each IPv4 address that it stands for.

        Raises:
            ForbiddenAddressError: it is closed, or no literal address.
        """
        try:
            judged = ip_address(address)
        except ValueError:
            raise ForbiddenAddressError(address, "not an IP address", ALLOW) from None
        named = self.allow.has(host)
        for form in (judged, *embedded(judged)):
            if (why := self._why_not(form, named=named)) is not None:
                raise ForbiddenAddressError(address, *why)

    def _why_not(self, address: Address, *, named: bool) -> tuple[str, str] | None:
        """Why an address is closed and the setting that decides it; None where it is open."""
        if (denied := self.deny.network_of(address)) is not None:
            return str(denied), DENY
        kind = kind_of(address)
        if kind in _OPEN or (kind == "loopback" and self.loopback) or (named and kind not in _NEVER_BY_NAME):
            return None
        return None if self.allow.network_of(address) is not None else (str(kind), ALLOW)


class Egress:
    """Makes connectors that connect nowhere but where a policy allows."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def connector(self, **options: Any) -> aiohttp.TCPConnector:
        """A connector for a session of the running loop, with options of `aiohttp.TCPConnector`.

        Unless told otherwise there is no bound on connections, and a name's addresses are kept for 30 s.
        What the policy forbids is raised to the session's caller as `aiohttp.ClientConnectorError` whose `os_error` is
        a `ForbiddenAddressError`. Of several addresses of a name, the open ones are tried.
        """
        return _Connector(self._policy, **{"limit": 0, "ttl_dns_cache": _DNS_SECONDS, **options})


class _Connecting:
    """One call of `connect`, as its sockets are made."""

    __slots__ = ("forbidden", "host", "sockets")

    def __init__(self, host: str) -> None:
        self.host = host
        self.forbidden: ForbiddenAddressError | None = None  # the first one
        self.sockets = 0


# A socket factory is told an address, not for which host; each call of `connect` has a context of its own.
_connecting: ContextVar[_Connecting] = ContextVar("connecting")


class _Connector(aiohttp.TCPConnector):
    def __init__(self, policy: Policy, **options: Any) -> None:
        super().__init__(**options, socket_factory=self._socket)
        self._policy = policy

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- aiohttp's signature, called by keyword
    ) -> Connection:
        current = _Connecting(req.url.raw_host or "")
        before = _connecting.set(current)
        try:
            self._check_request(req, current.host)
            return await super().connect(req, traces, timeout)
        except aiohttp.ClientConnectorError as error:
            if current.sockets or current.forbidden is None:
                raise
            # Where all addresses of a name are closed, aiohttp tells of them in one error that is no longer ours.
            raise aiohttp.ClientConnectorError(req.connection_key, current.forbidden) from error
        finally:
            _connecting.reset(before)

    def _check_request(self, request: aiohttp.ClientRequest, host: str) -> None:
        if request.proxy is not None:  # it would connect where nothing is judged
            raise ValueError("no connection of Egress goes through a proxy")
        try:
            self._policy.check_host(host)
        except ForbiddenAddressError as error:
            raise aiohttp.ClientConnectorError(request.connection_key, error) from None

    def _socket(self, wanted: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = wanted
        current = _connecting.get()
        try:
            self._policy.check(str(address[0]), current.host)
        except ForbiddenAddressError as error:
            current.forbidden = current.forbidden or error
            raise
        current.sockets += 1
        return socket.socket(family=family, type=kind, proto=protocol)


def _entries(setting: str, written: str) -> Entries:
    networks: list[Network] = []
    names: list[str] = []
    for entry in filter(None, (part.strip() for part in written.split(","))):
        if (listed := _networks(entry)) is not None:
            networks += listed
        elif (name := _name(entry)) is not None:
            names.append(name)
        else:
            raise ValueError(
                f"{setting}: {entry!r} is no address, no network (10.0.0.0/8; bits behind the prefix are 0), no host"
                f" name (example.com, *.example.com; no port, no path) and none of {', '.join(KINDS)}"
            )
    hosts = frozenset(name for name in names if not name.startswith("."))
    return Entries(tuple(networks), hosts, tuple(name for name in names if name.startswith(".")))


def _networks(entry: str) -> tuple[Network, ...] | None:
    try:
        return KINDS.get(entry) or (plain(ip_network(entry)),)
    except ValueError:
        return None


def _name(entry: str) -> str | None:
    """A host name as aiohttp sees it in a URL; of a wildcard the part behind the star."""
    wildcard = entry.startswith("*.")
    try:
        name = (URL.build(scheme="http", host=entry.removeprefix("*.")).raw_host or "").rstrip(".")
    except ValueError:
        return None
    return ("." if wildcard else "") + name if _HOST.fullmatch(name) else None
