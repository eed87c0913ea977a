"""The two settings: what can be listed, and who wins."""

from __future__ import annotations

import pytest

from app.delivery.egress.addresses import KINDS
from app.delivery.egress.policy import ForbiddenAddressError, Policy

METADATA = "169.254.169.254"


def policy(allow: str = "", deny: str = "", *, loopback: bool = False) -> Policy:
    return Policy.parse(allow, deny, loopback=loopback)


def refusal(judge: Policy, address: str, host: str = "") -> str:
    with pytest.raises(ForbiddenAddressError) as raised:
        judge.check(address, host)
    return str(raised.value)


def test_nothing_listed_leaves_the_defaults() -> None:
    assert policy() == policy(" , ,", " ") == Policy()


def test_an_allowed_address_is_open_against_the_defaults() -> None:
    judge = policy(allow=f"127.0.0.2, 224.0.0.0/8, {METADATA}, fe80::1")

    for address in ("127.0.0.2", "224.1.2.3", METADATA, "fe80::1", f"::ffff:{METADATA}"):
        judge.check(address)
    assert "loopback" in refusal(judge, "127.0.0.1")


def test_a_denied_network_is_closed_and_the_refusal_says_which() -> None:
    judge = policy(deny="10.0.0.0/8, 93.184.216.34, 2606:4700::/32")

    assert refusal(judge, "10.1.2.3") == "connections to 10.1.2.3 are not allowed (10.0.0.0/8): see EGRESS_DENY"
    assert "93.184.216.34/32" in refusal(judge, "93.184.216.34")
    assert "2606:4700::/32" in refusal(judge, "2606:4700::1111")
    judge.check("11.0.0.1")


@pytest.mark.parametrize("form", ["::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::", "fd00::5efe:10.1.2.3"])
def test_a_denied_network_is_closed_inside_ipv6_addresses_too(form: str) -> None:
    assert "10.0.0.0/8" in refusal(policy(deny="10.0.0.0/8"), form)


def test_a_network_denied_by_its_mapped_form_is_closed_in_the_plain_one() -> None:
    assert "10.0.0.0/8" in refusal(policy(deny="::ffff:10.0.0.0/104"), "10.1.2.3")


def test_deny_wins_over_allow() -> None:
    judge = policy(allow="10.0.0.0/8, good.example", deny="10.1.0.0/16, bad.good.example")

    judge.check("10.0.0.1")
    for host in ("", "good.example"):
        assert "EGRESS_DENY" in refusal(judge, "10.1.0.1", host)


def test_deny_wins_over_loopback_where_the_application_runs_embedded() -> None:
    judge = policy(deny="loopback", loopback=True)

    assert "EGRESS_DENY" in refusal(judge, "127.0.0.1")
    assert "EGRESS_DENY" in refusal(judge, "::1")


def test_private_networks_are_closed_by_one_word() -> None:
    judge = policy(deny="private")

    for address in ("10.0.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "fd12::1", "64:ff9b::192.168.0.1"):
        assert "EGRESS_DENY" in refusal(judge, address)
    for address in ("172.32.0.1", "100.128.0.1", "1.1.1.1"):
        judge.check(address)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_address_is_a_word_for_either_list(kind: str) -> None:
    addresses = [str(network[-1]) for network in KINDS[kind]]

    for address in addresses:
        assert "EGRESS_DENY" in refusal(policy(allow=kind, deny=kind), address)
        policy(allow=kind).check(address)


def test_the_word_of_one_kind_opens_no_other() -> None:
    for kind in KINDS:
        opened = policy(allow=kind)
        for other in KINDS.keys() - {kind, "private", "metadata", "link-local"}:  # these two have addresses in common
            assert "EGRESS_ALLOW" in refusal(opened, str(KINDS[other][-1][-1]))


def test_an_allowed_name_opens_what_the_defaults_close() -> None:
    judge = policy(allow="localhost, *.mesh.example")

    judge.check("127.0.0.1", "localhost")
    judge.check("::1", "LOCALHOST.")
    judge.check("240.240.0.7", "orders.mesh.example")
    assert "loopback" in refusal(judge, "127.0.0.1", "other.example")


@pytest.mark.parametrize("address", [METADATA, "fe80::1", "100.100.100.200", "fd00:ec2::254", f"64:ff9b::{METADATA}"])
def test_an_allowed_name_never_opens_the_addresses_that_hand_out_credentials(address: str) -> None:
    assert "EGRESS_ALLOW" in refusal(policy(allow="cloud.example"), address, "cloud.example")
    assert "EGRESS_DENY" in refusal(policy(allow="cloud.example", deny="private,metadata,link-local"), address)


def test_an_allowed_name_and_address_together_open_it() -> None:
    policy(allow=f"cloud.example,{METADATA}").check(METADATA, "cloud.example")


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("example.com", "example.com"),
        ("Example.COM.", "example.com"),
        ("example.com", "EXAMPLE.com."),
        ("*.example.com", "a.example.com"),
        ("*.example.com", "a.b.example.com."),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "a.xn--bcher-kva.example"),
        ("my_service", "my_service"),
        ("ops.ops-system.svc", "ops.ops-system.svc"),
        ("1password.example", "1password.example"),
    ],
)
def test_a_name_is_denied_in_every_way_to_write_it(entry: str, host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match=r"are not allowed \(denied by name\): see EGRESS_DENY"):
        policy(deny=entry).check_host(host)


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("example.com", "a.example.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "badexample.com"),
        ("example.com", "example.com.evil.example"),
        ("example.com", "10.0.0.1"),
    ],
)
def test_a_name_that_is_not_listed_is_open(entry: str, host: str) -> None:
    policy(deny=entry).check_host(host)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0",
        "127.1",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "256.1.1.1",
        "fe80::/129",
        "[::1]",
        "10.0.0.1:80",
        "example.com:443",
        "http://example.com",
        "example.com/path",
        "user@example.com",
        "*",
        "*.",
        "a.*.example.com",
        "*example.com",
        "a..example.com",
        ".example.com",
        "-a.example.com",
        "exa mple.com",
        f"{'a' * 64}.example",
    ],
)
def test_an_entry_that_means_nothing_is_named_with_its_setting(entry: str) -> None:
    listed = f"10.0.0.0/8, {entry}"

    with pytest.raises(ValueError, match="is no address") as allowed:
        policy(allow=listed)
    with pytest.raises(ValueError, match="is no address") as denied:
        policy(deny=listed)

    assert str(allowed.value).startswith(f"EGRESS_ALLOW: {entry!r} ")
    assert str(denied.value).startswith(f"EGRESS_DENY: {entry!r} ")
