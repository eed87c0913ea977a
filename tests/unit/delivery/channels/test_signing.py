"""Signatures, verified by the package of Standard Webhooks, and which keys a secret holds."""

from __future__ import annotations

import base64
import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from app.delivery.channels.signing import keys_of, standard_headers
from tests.unit.delivery.doubles import delivery

KEY, OTHER = bytes(range(24)), bytes(range(64))
SENT = delivery()


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def verify(secret: str | bytes, body: bytes, headers: dict[str, str]) -> None:
    """Raises: WebhookVerificationError: the signature is not one of this secret."""
    Verifier(secret).verify(body, headers, json_parse=False)


@pytest.mark.parametrize("body", [b"", b'{"a":1}', "pod: web-0 \né \n".encode()])
def test_a_signature_is_good_for_who_has_the_key_and_for_no_other_body(body: bytes) -> None:
    headers = standard_headers(SENT, int(time.time()), body, keys_of(whsec(KEY)))

    verify(whsec(KEY), body, headers)
    with pytest.raises(WebhookVerificationError):
        verify(whsec(KEY), body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        verify(whsec(OTHER), body, headers)


def test_a_signature_is_good_for_its_delivery_and_its_time_alone() -> None:
    now = int(time.time())
    headers = standard_headers(SENT, now, b"x", keys_of(whsec(KEY)))

    for other in ({"webhook-id": "2"}, {"webhook-timestamp": str(now + 1)}):
        with pytest.raises(WebhookVerificationError):
            verify(whsec(KEY), b"x", headers | other)


def test_with_two_keys_each_of_them_verifies() -> None:
    headers = standard_headers(SENT, int(time.time()), b"x", keys_of(f" {whsec(KEY)}\n{whsec(OTHER)} "))

    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (whsec(KEY), whsec(OTHER)):
        verify(secret, b"x", headers)


def test_an_example_of_the_signature_stays_as_it_is() -> None:
    """Worked out once with `openssl dgst -sha256 -hmac`."""
    sent = dataclasses.replace(SENT, id="msg_1")

    assert standard_headers(sent, 1614265330, b'{"test": 2432232314}', (b"k" * 24,))["webhook-signature"] == (
        "v1,TScfZU5W0Dsfb7RPdzgO787YhjOEgrDHCPjYVxCiy/0="
    )


def test_without_a_key_the_delivery_is_named_but_not_signed() -> None:
    assert standard_headers(SENT, 5, b"x") == {"webhook-id": SENT.id, "webhook-timestamp": "5"}


def test_a_replay_says_so_and_keeps_the_id() -> None:
    replayed = dataclasses.replace(SENT, replay="r-1")

    assert standard_headers(replayed, 5, b"x") == {
        "webhook-id": SENT.id,
        "webhook-timestamp": "5",
        "webhook-replay": "r-1",
    }


@pytest.mark.parametrize(
    ("secret", "keys"),
    [
        ("", ()),
        (" \n\t", ()),
        (whsec(KEY), (KEY,)),
        (whsec(KEY).rstrip("="), (KEY,)),
        (base64.b64encode(KEY).decode(), (KEY,)),
        (base64.b64encode(OTHER).decode().rstrip("="), (OTHER,)),
        (f"{whsec(KEY)} {whsec(OTHER)}", (KEY, OTHER)),
        ("correct-horse!", (b"correct-horse!",)),
        ("passwörter", ("passwörter".encode(),)),
        ("abcde", (b"abcde",)),  # five characters are no base64
        ("abcd", (b"i\xb7\x1d",)),  # four are, and so the libraries read them
        ("ab==cd", (b"ab==cd",)),
        ("====", (b"====",)),
    ],
)
def test_a_secret_holds_keys(secret: str, keys: tuple[bytes, ...]) -> None:
    assert keys_of(secret) == keys


@pytest.mark.parametrize("key", [b"", b"x" * 23, b"x" * 65])
def test_a_key_with_the_prefix_is_of_24_to_64_bytes(key: bytes) -> None:
    with pytest.raises(ValueError, match="base64 of 24 to 64 bytes") as caught:
        keys_of(whsec(key))
    assert "eHh4" not in str(caught.value)


@pytest.mark.parametrize("key", ["whsec_not base64", "whsec_ä", "whsec_****************************"])
def test_behind_the_prefix_stands_base64(key: str) -> None:
    with pytest.raises(ValueError, match="base64 of 24 to 64 bytes"):
        keys_of(key)


@given(st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1))
def test_any_text_without_the_prefix_is_one_key_that_verifies(text: str) -> None:
    if text.startswith("whsec_") or len(text.split()) != 1:
        return
    (key,) = keys_of(text)
    headers = standard_headers(SENT, int(time.time()), b"x", (key,))

    verify(key, b"x", headers)


@given(st.binary(min_size=1, max_size=64))
def test_base64_without_the_prefix_is_read_as_the_verifier_reads_it(key: bytes) -> None:
    text = base64.b64encode(key).decode()

    verify(text, b"x", standard_headers(SENT, int(time.time()), b"x", keys_of(text)))
