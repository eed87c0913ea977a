"""A connection for what does not speak HTTP, held to the same policy as the others (`policy.py`)."""

from __future__ import annotations

import asyncio
import errno
import socket

from app.delivery.egress.policy import ForbiddenAddressError, Policy


async def dial(policy: Policy, host: str, port: int) -> socket.socket:
    """A connected socket; each address is judged before it is connected.

    Raises:
        ForbiddenAddressError: the host, or every address of it, is closed.
        OSError: nobody answers there.
    """
    policy.check_host(host)
    loop = asyncio.get_running_loop()
    error: OSError = OSError(f"{host} has no address")
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # of the codec that writes names in ASCII
        raise OSError(errno.EINVAL, "the host is no name") from None
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        try:
            policy.check(str(address[0]), host)
            connection.setblocking(False)
            await loop.sock_connect(connection, address)
        except OSError as failed:
            connection.close()
            error = failed if not isinstance(error, ForbiddenAddressError) else error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise error
