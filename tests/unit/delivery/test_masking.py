"""What of a target may be shown, and what may not."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.delivery import Target
from app.delivery.secrets.masking import MASK, is_secret, masked_options, masked_text, masked_url, secrets_of

UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
HEX = "9f86d081884c7d659a2feaa0c55ad015"


def a_target(url: str = "https://h/", channel: str = "webhook", **options: str) -> Target:
    return Target("hooks.default.h", channel, url, "", options)


MASKED_URLS = [
    # The user.
    ("https://user:pass@h:8443/path", "https://user:***@h:8443/path"),
    ("https://user:p%40ss:word@h/", "https://user:***@h/"),
    ("https://ghp_token@h/", "https://***@h/"),
    ("https://sk_live_1:@h/", "https://***:@h/"),
    (f"https://{HEX}:x-oauth-basic@h/", "https://***:***@h/"),
    ("https://a@b@h/", "https://***@h/"),
    # The query and the fragment.
    ("https://h/send?key=abc&v=2", "https://h/send?key=***&v=***"),
    ("https://h/?abc", "https://h/?***"),
    (f"https://h/?{HEX}=1&x=", "https://h/?***&x="),
    ("https://h?a=b=c#part", "https://h?a=***#***"),
    # The path.
    ("https://hooks.slack.com/services/T01234567/B0AB12CD3/XyZ", "https://hooks.slack.com/services/***/***/XyZ"),
    (f"https://discord.com/api/webhooks/123456/{HEX}", "https://discord.com/api/webhooks/***/***"),
    ("https://api.telegram.org/bot123456:AA-BB/sendMessage", "https://api.telegram.org/***/sendMessage"),
    (f"https://open.feishu.cn/open-apis/bot/v2/hook/{UUID}", "https://open.feishu.cn/open-apis/bot/v2/hook/***"),
    ("https://xz.wps.cn/api/v1/webhook/send?key=k", "https://xz.wps.cn/api/v1/webhook/send?key=***"),
    ("https://hooks.zapier.com/hooks/catch/123/abc/", "https://hooks.zapier.com/hooks/***/***/***/"),
    ("https://maker.ifttt.com/trigger/x/with/key/abc", "https://maker.ifttt.com/trigger/x/with/key/***"),
    (f"https://outlook.office.com/webhookb2/{UUID}@{UUID}/x", "https://outlook.office.com/webhookb2/***/***"),
    (f"https://events.pagerduty.com/integration/{HEX}/enqueue", "https://events.pagerduty.com/integration/***/enqueue"),
    (f"https://h/{HEX[:16]}", "https://h/***"),
    (f"https://h/%61{HEX[1:16]}", "https://h/***"),
    ("https://h/abcdefghijklmnopqrst", "https://h/***"),
    ("https://h/12345678901234567890", "https://h/***"),
    ("https://h/ab1-cd2-ef3-gh4-ij5-k", "https://h/***"),
    # What is no URL.
    ("nonsense", "***"),
    ("", "***"),
]

PLAIN_URLS = [
    "http://h",
    "https://example.com/hook",
    "https://example.com:8443/api/v1/alerts/kubernetes-events",
    "http://[::1]:9200/events-2026/_doc",
    "http://alertmanager.monitoring.svc.cluster.local:9093/api/v2/alerts/",
    "https://h/production-cluster-2-alerts",
    "https://h/20261123",
    "https://h/Teams/Backend",
]


@pytest.mark.parametrize(("url", "shown"), MASKED_URLS)
def test_what_is_secret_in_a_url_is_masked_and_the_rest_is_shown(url: str, shown: str) -> None:
    assert masked_url("webhook", url) == shown


@pytest.mark.parametrize("url", PLAIN_URLS)
def test_a_url_without_secrets_is_shown_as_it_is(url: str) -> None:
    assert masked_url("webhook", url) == url
    assert secrets_of(a_target(url)) == ()


def test_the_subject_of_an_event_hook_is_no_url() -> None:
    subject = f"ops.clusters.*.hooks.{HEX}"
    assert masked_url("event", subject) == subject
    assert secrets_of(a_target(subject, "event")) == ()


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "secret",
        "signingSecret",
        "secret2",
        "token",
        "bearer_token",
        "authorization",
        "apiKey",
        "api-key",
        "X-Api-Key",
        "accessKey",
        "accessKeyId",
        "private_key",
        "key",
        "key2",
        "passphrase",
        "credentials",
        "cookie",
    ],
)
def test_an_option_whose_name_says_so_is_secret(name: str) -> None:
    assert is_secret(name, "x")
    assert masked_options({name: "x", "other": "y"}) == {name: MASK, "other": "y"}


@pytest.mark.parametrize(
    "name", ["secretRef", "passwordRef", "format", "ordered", "index", "id", "username", "keyword"]
)
def test_other_options_and_references_are_shown(name: str) -> None:
    assert not is_secret(name, "name/key")


@pytest.mark.parametrize("value", ["Bearer abc", "basic dXNlcg==", "whsec_abc", "Token abc"])
def test_an_option_whose_value_says_so_is_secret(value: str) -> None:
    assert is_secret("header", value)


def test_an_empty_option_hides_nothing() -> None:
    assert masked_options({"password": ""}) == {"password": ""}


def test_the_secrets_of_a_target_are_found_wherever_they_stand() -> None:
    found = secrets_of(
        a_target(
            "https://user:p%40ssw0rd@h/hook/capability?token=t0ken&verbose=true&callback=confidential#fragment",
            password="hunter2",
            username="elastic",
            secret="whsec_one whsec_two",
            authorization="Bearer letmein",
            format="cloudevents",
        )
    )
    basic = [base64.b64encode(text).decode() for text in (b"user:p@ssw0rd", b"elastic:hunter2")]
    expected = {"p%40ssw0rd", "p@ssw0rd", "capability", "t0ken", "confidential", "fragment", "hunter2", "letmein"}
    assert expected | {"whsec_one", "whsec_two", *basic} <= set(found)
    assert not {"user", "true", "cloudevents", "elastic", "Bearer"} & set(found)


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hunter2", "401: hunter2 is wrong", "401: *** is wrong"),
        ("p&ss w/rd", f"GET /?p={quote('p&ss w/rd', safe='')} {quote_plus('p&ss w/rd')}", "GET /?p=*** ***"),
        ("p/ss", "%2f is p%2fss", "%2f is ***"),
        ('p"ss\n1', json.dumps({"password": 'p"ss\n1'}), '{"password": "***"}'),
        ("pässwört", json.dumps("pässwört"), '"***"'),
        ("p<ss>", f"<b>{html.escape('p<ss>')}</b>", "<b>***</b>"),
        ("abcdabcd", "it ends with abcdabc", "it ends with ***"),
        ("abcdabcd", "it ends with abcd", "it ends with ***"),
        ("abcdabcd", "it ends with abc", "it ends with abc"),
        ("pässwört", "cut in the middle pässw\ufffd", "cut in the middle ***"),
        ("hunter2", "nothing here", "nothing here"),
        ("***a", "***a***aa", "******"),
    ],
)
def test_a_secret_in_a_text_is_masked_in_every_form_and_where_it_is_cut_off(secret: str, text: str, shown: str) -> None:
    assert masked_text(text, (secret,)) == shown


def test_basic_authentication_that_is_echoed_is_masked() -> None:
    target = a_target("https://h/", username="elastic", password="hunter2")
    echoed = f"Authorization: Basic {base64.b64encode(b'elastic:hunter2').decode()}"
    assert masked_text(echoed, secrets_of(target)) == "Authorization: Basic ***"


def test_the_longer_of_two_secrets_leaves_no_rest() -> None:
    assert masked_text("x secret-and-more y", ("secret", "secret-and-more")) == "x *** y"


def test_a_target_without_secrets_changes_no_text() -> None:
    assert masked_text("as it is", secrets_of(a_target())) == "as it is"


secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=~-_.!é日", min_size=12, max_size=40)
places = st.sampled_from(
    [
        "https://user:{}@host/path",
        "https://{}@host",
        "https://{}:@host/",
        "https://host/?name={}",
        "https://host/?name={}&other=1",
        "https://host/?{}",
        "https://host/x#{}",
        "https://host/hook/{}",
        "https://host/webhooks/1/{}/rest?x=y",
    ]
)


@given(places, secrets)
def test_no_secret_is_seen_in_a_masked_url_wherever_it_stands(place: str, secret: str) -> None:
    url = place.format(quote(secret, safe=""))
    shown = masked_url("webhook", url)
    assert secret not in shown
    assert quote(secret, safe="") not in shown
    assert masked_url("webhook", shown) == shown, "what is masked stays as it is"


@given(places, secrets, st.text(max_size=20), st.text(max_size=20), st.integers(0, 60))
def test_no_secret_of_a_target_is_seen_in_a_masked_text(
    place: str, secret: str, before: str, behind: str, cut: int
) -> None:
    target = a_target(place.format(quote(secret, safe="")), token=secret)
    for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], html.escape(secret)):
        text = (before + form + behind)[: len(before) + cut]
        shown = masked_text(text, secrets_of(target))
        assert form not in shown
        assert form[:8] not in shown.removeprefix(before) or form[:8] in before + behind


@given(st.text(max_size=60), st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=4))
def test_whatever_the_secrets_are_masking_ends_and_leaves_none(text: str, found: list[str]) -> None:
    shown = masked_text(text + found[0], tuple(found))
    assert not any(secret in shown for secret in found)


@given(st.text(max_size=100))
def test_any_text_is_masked_as_a_url_without_an_error(text: str) -> None:
    masked_url("webhook", text)
    secrets_of(a_target(text))
