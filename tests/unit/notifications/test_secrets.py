"""Secrets of receivers: sealed where they lie, masked where they are shown, kept where they are not sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.secrets.masking import secrets_of
from app.errors import InvalidResourceError, UnavailableError
from app.notifications.receivers import target_of
from app.notifications.routing import configuration
from app.notifications.routing.configuration import Configuration
from app.notifications.secrets.sealing import MOST_BYTES, Sealing, masked, plain
from app.notifications.secrets.unmasking import unmasked

TEXT = b"""
receivers:
  - name: oncall
    destination: {type: pagerduty, routingKey: R0UTINGKEY}
    rate: {limit: 5, per: 1m}
  - name: chat
    destination: {type: dingtalk, url: "https://oapi.example.com/robot/send?access_token=T0KEN", secret: S3CRET}
  - name: mail
    destination:
      {type: email, host: smtp.example.com, from: a@example.com, to: [b@example.com], username: a, password: PASSW0RD}
routes:
  - {match: {severity: {atLeast: error}, data: {a: {not: b}}}, receivers: [oncall], group: {by: [a], wait: 1m}}
"""
KEY = Fernet.generate_key()
SECRETS = ("R0UTINGKEY", "T0KEN", "S3CRET", "PASSW0RD")


def parsed() -> Configuration:
    return configuration.parse(TEXT)


def sealing(*keys: bytes) -> Sealing:
    found = Sealing()
    found.use([key.decode() for key in keys])
    return found


def test_what_is_sealed_shows_no_secret_and_opens_to_the_same() -> None:
    one = sealing(Fernet.generate_key())
    value = one.seal(parsed())
    assert not any(secret.encode() in value for secret in SECRETS)
    assert json.loads(value)["shown"]["receivers"][0]["destination"]["routingKey"] == "***"
    assert one.open(value) == parsed()


def test_a_key_of_before_opens_still() -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    value = sealing(old).seal(parsed())
    assert sealing(new, old).open(value) == parsed()


def test_another_key_does_not_open_and_the_error_says_which_is_missing() -> None:
    value = sealing(Fernet.generate_key()).seal(parsed())
    with pytest.raises(ValueError, match="SECRETS_KEY"):
        sealing(Fernet.generate_key()).open(value)


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b'{"sealed": 5}', b"nothing"])
def test_what_is_no_configuration_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        sealing(Fernet.generate_key()).open(value)


def test_nothing_is_sealed_before_there_is_a_key() -> None:
    with pytest.raises(UnavailableError):
        Sealing().seal(parsed())


def test_nothing_that_is_shown_holds_a_secret() -> None:
    for shown in (repr(parsed()), str(masked(parsed())), *map(repr, map(target_of, parsed().receivers))):
        assert not any(secret in shown for secret in SECRETS)


def test_every_secret_is_known_to_who_masks_the_texts_of_others() -> None:
    known = [secret for receiver in parsed().receivers for secret in secrets_of(target_of(receiver))]
    assert set(SECRETS) <= set(known) | {"T0KEN"}


def test_what_is_read_and_sent_back_changes_nothing() -> None:
    kept = plain(parsed())
    again = unmasked(masked(parsed()), kept)
    assert configuration.parse(json.dumps(again).encode()) == parsed()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": "another"}, "receivers[0].destination.routingKey"),
        ({"destination": {"type": "opsgenie", "apiKey": "***"}}, "receivers[0].destination.apiKey"),
        ({"destination": {"type": "pagerduty", "routingKey": "***", "region": "eu"}}, "receivers[0]"),
    ],
)
def test_a_secret_does_not_go_elsewhere(change: dict[str, Any], where: str) -> None:
    given = masked(parsed())
    given["receivers"][0] |= change
    assert where in refused(given)


def test_a_url_that_is_masked_keeps_its_secret_beside_it() -> None:
    given = masked(parsed())
    given["receivers"][1]["destination"] |= {"url": "https://evil.example.com/"}
    assert "receivers[1].destination.secret: *** stands for no secret" in refused(given)


def refused(given: Any) -> str:
    """What is told to who sends it back."""
    with pytest.raises(InvalidResourceError) as refusal:
        configuration.parse(json.dumps(given).encode(), lambda read: unmasked(read, plain(parsed())))
    assert str(refusal.value).startswith("line 1: ")
    return str(refusal.value)


def many(number: int) -> Configuration:
    """A configuration of so many routes with long conditions."""
    words = ", ".join(f"word-{place}" for place in range(100))
    route = f"  - {{match: {{provider: [{words}]}}, receivers: [oncall]}}"
    return configuration.parse(b"\n".join([TEXT.rstrip(), *[route.encode()] * number]))


def test_what_is_shown_is_left_out_where_there_is_no_room_for_both() -> None:
    one = sealing(Fernet.generate_key())
    value = one.seal(many(450))
    assert len(value) <= MOST_BYTES
    assert "shown" not in json.loads(value)
    assert one.open(value) == many(450)


def test_what_is_too_large_when_sealed_is_refused_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.notifications.secrets.sealing.MOST_BYTES", 1000)
    with pytest.raises(InvalidResourceError, match="bytes long when sealed: 1000 are kept at most"):
        sealing(Fernet.generate_key()).seal(many(5))


@given(
    st.one_of(
        st.integers(0, 864_000_000).map(lambda part: str(part / 10_000)), st.integers(0, 86_400_000).map("{}ms".format)
    )
)
def test_any_time_is_the_same_when_it_has_been_sealed(time: str) -> None:
    one = sealing(KEY)
    found = configuration.parse(TEXT.replace(b"wait: 1m", b"wait: " + time.encode()))
    assert one.open(one.seal(found)) == found
