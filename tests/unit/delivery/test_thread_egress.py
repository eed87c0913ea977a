from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from app.delivery.egress.policy import ForbiddenAddressError, Policy
from app.delivery.egress.threads import held_to

CLOSED = Policy.parse("", "", loopback=False)
OPEN = Policy.parse("", "", loopback=True)


@pytest.fixture
def listening() -> Iterator[tuple[str, int]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[:2]


def connect(address: tuple[str, int]) -> None:
    socket.create_connection(address, 5).close()


def send(address: tuple[str, int]) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as connection:
        connection.sendto(b"a", address)


@pytest.mark.parametrize("attempt", [connect, send])
def test_a_thread_that_is_held_connects_only_where_the_policy_allows(
    attempt: Callable[[tuple[str, int]], None], listening: tuple[str, int]
) -> None:
    with held_to(OPEN) as watch:
        attempt(listening)
    assert watch.forbidden is None
    with held_to(CLOSED) as watch, pytest.raises(ForbiddenAddressError):
        attempt(listening)
    assert "127.0.0.1 are not allowed (loopback)" in str(watch.forbidden)


def test_a_thread_is_held_no_longer_than_it_was_said_nor_is_another(listening: tuple[str, int]) -> None:
    with suppress(KeyError), held_to(CLOSED):
        raise KeyError
    connect(listening)


def test_a_name_is_judged_by_the_addresses_that_it_has(listening: tuple[str, int]) -> None:
    with held_to(CLOSED), pytest.raises(ForbiddenAddressError):
        connect(("localhost", listening[1]))


def test_a_name_that_is_denied_is_not_even_resolved() -> None:
    with held_to(Policy.parse("", "*.example.com", loopback=True)) as watch, pytest.raises(ForbiddenAddressError):
        connect(("a.example.com", 80))
    assert "denied by name" in str(watch.forbidden)


def test_a_name_that_is_allowed_opens_its_addresses_and_no_others(listening: tuple[str, int]) -> None:
    named = Policy.parse("localhost", "", loopback=False)
    with held_to(named):
        connect(("localhost", listening[1]))
        with pytest.raises(ForbiddenAddressError):
            connect(listening)


def test_a_socket_of_this_machine_is_no_way_out() -> None:
    with held_to(OPEN), closing(socket.socket(socket.AF_UNIX)) as connection, pytest.raises(ForbiddenAddressError):
        connection.connect("/run/docker.sock")


def test_no_program_is_run() -> None:
    with held_to(OPEN) as watch, pytest.raises(ForbiddenAddressError):
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert "a program" in str(watch.forbidden)
