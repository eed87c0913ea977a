from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingress.access import guesses
from app.ingress.access.guesses import Guesses, network


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_address_has_so_many_guesses_and_then_one_after_each_interval(clock: Clock) -> None:
    left = Guesses(clock, burst=3, seconds=10)
    for _ in range(3):
        assert left.wait("10.0.0.1") == 0
        left.take("10.0.0.1")
    assert left.wait("10.0.0.1") == 10
    clock.now += 9.5
    assert left.wait("10.0.0.1") == 1
    clock.now += 0.5
    assert left.wait("10.0.0.1") == 0
    left.take("10.0.0.1")
    assert left.wait("10.0.0.1") == 10


def test_an_address_that_rests_has_all_its_guesses_again_and_no_more(clock: Clock) -> None:
    left = Guesses(clock, burst=2, seconds=10)
    left.take("a")
    clock.now += 10_000
    for _ in range(2):
        assert left.wait("a") == 0
        left.take("a")
    assert left.wait("a") > 0


def test_addresses_do_not_share_guesses(clock: Clock) -> None:
    left = Guesses(clock, burst=1, seconds=10)
    left.take("10.0.0.1")
    assert left.wait("10.0.0.1") > 0
    assert left.wait("10.0.0.2") == 0


def test_memory_is_bounded_and_the_quietest_are_forgotten(clock: Clock) -> None:
    left = Guesses(clock, burst=1, seconds=10)
    left.take("first")
    for number in range(5000):
        left.take("busy")
        left.take(f"address {number}")
    assert len(left._full_at) == guesses._ADDRESSES
    assert left.wait("first") == 0
    assert left.wait("busy") > 0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("x" * 1000, "x" * 64),
    ],
)
def test_what_counts_as_one_client(address: str, client: str) -> None:
    assert network(address) == client


@given(st.text())
def test_whatever_a_proxy_calls_an_address_it_is_taken(address: str) -> None:
    assert len(network(address)) <= 64
