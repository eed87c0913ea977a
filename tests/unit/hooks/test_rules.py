"""What URLs and options a hook of each type may have, and what a mistake is called."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.delivery.channels.documents import lines_of
from app.delivery.channels.event import subject_of
from app.hooks.rules import check_url, option_problems
from tests.unit.delivery.doubles import delivery

PODS = "ops.clusters.*.namespaces.*.pods.*.events"
ES = "http://es:9200/events/_doc"
URLS = {"webhook": "http://h/", "xiezuo": "http://h/", "event": "alerts", "elasticsearch": ES}


def wrong(kind: str | None, options: dict[str, str], url: str | None = None) -> dict[str, str]:
    found = option_problems(kind, url or URLS.get(kind or ""), options)
    return {problem.field: problem.why for problem in found}


def whsec(size: int) -> str:
    return "whsec_" + base64.b64encode(b"k" * size).decode()


@pytest.mark.parametrize(
    ("template", "subject"),
    [
        ("ops.alerts", None),
        ("ops.alerts", "ops.a"),
        ("alerts", "ops.a"),
        ("*", "ops.a"),
        ("*.b", "ops.a"),
        ("ops.*.*.*.*.*.*.*", PODS),
        ("ops.a.*.*.*", "ops.>"),
        ("ops.a.b.c.d", "ops.a"),
        ("ops." + "a" * 1020, "ops.a"),
    ],
)
def test_an_event_goes_to_a_subject(template: str, subject: str | None) -> None:
    check_url("event", template, subject)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("", "no subject to publish to"),
        ("ops.", "no subject to publish to"),
        ("ops..a", "no subject to publish to"),
        ("ops.a b", "no subject to publish to"),
        ("ops.a*", "no subject to publish to"),
        ("ops.>.a", "no subject to publish to"),
        ("ops.\x00", "no subject to publish to"),
        ("ops." + "a" * 1021, "no subject to publish to"),
        ("ops.>", "has a >"),
        (">", "has a >"),
        ("http://h/", "is a URL"),
        ("nats://user:pass@h", "is a URL"),
        ("ops.a.*", "where the subjects that the hook sees have no token"),
        ("a.*", "where the subjects that the hook sees have no token"),
    ],
)
def test_a_mistake_in_a_subject_is_named(template: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_url("event", template, "ops.a")


@given(st.text(alphabet="ops.*>a b", max_size=12), st.sampled_from(["ops.a", "ops.a.b.c"]))
@example("*", "ops.a")
@example("a.*", "ops.a")
def test_a_template_that_is_taken_makes_a_subject_of_every_event_that_the_hook_sees(template: str, seen: str) -> None:
    try:
        check_url("event", template, seen)
    except ValueError:
        return
    assert subject_of(template, seen)


@pytest.mark.parametrize("kind", [None, *URLS])
@pytest.mark.parametrize("value", ["true", "false"])
def test_a_hook_of_any_type_may_be_ordered(kind: str | None, value: str) -> None:
    assert wrong(kind, {"ordered": value}) == {}
    assert wrong(kind, {"ordered": value.upper()}) == {"ordered": "must be true or false"}


@pytest.mark.parametrize("kind", list(URLS))
def test_options_of_other_types_and_of_old_hooks_mean_nothing(kind: str) -> None:
    anything = {"sourceSubject": "\n", "Format": "?", "": "", "x" * 500: "\ud800"}
    others = {"format": "?", "secret": "", "secretRef": "?"} if kind != "webhook" else {"index": "?", "id": "x" * 600}

    assert wrong(kind, anything | others) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"format": "text"},
        {"format": "cloudevents"},
        {"secret": whsec(24)},
        {"secret": whsec(64)},
        {"secret": f"{whsec(24)}\n{whsec(25)}"},
        {"secret": base64.b64encode(b"k").decode()},
        {"secret": "correct-horse battery-staple"},
        {"secret": "ключ"},
        {"secretRef": "signing"},
        {"secretRef": "signing/webhook.key_1"},
        {"secretRef": "a.b-c/K"},
    ],
)
def test_a_webhook_may_have_a_format_and_keys(options: dict[str, str]) -> None:
    assert wrong("webhook", options) == {}


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("format", "", "must be text or cloudevents"),
        ("format", "TEXT", "must be text or cloudevents"),
        ("secret", "", "one key, or two"),
        ("secret", " \n", "one key, or two"),
        ("secret", "a! b! c!", "one key, or two"),
        ("secret", whsec(23), "24 to 64 bytes"),
        ("secret", whsec(65), "24 to 64 bytes"),
        ("secret", f"{whsec(24)} whsec_?", "24 to 64 bytes"),
        ("secret", "\ud800", "UTF-8"),
        ("secretRef", "", "name of a Kubernetes Secret"),
        ("secretRef", "Signing", "name of a Kubernetes Secret"),
        ("secretRef", "signing/", "name of a Kubernetes Secret"),
        ("secretRef", "/key", "name of a Kubernetes Secret"),
        ("secretRef", "other/signing/key", "name of a Kubernetes Secret"),
        ("secretRef", "../signing", "name of a Kubernetes Secret"),
        ("secretRef", "a" * 254, "name of a Kubernetes Secret"),
        ("secretRef", "a\n", "name of a Kubernetes Secret"),
    ],
)
def test_a_mistake_in_an_option_of_a_webhook_is_named(option: str, value: str, why: str) -> None:
    found = wrong("webhook", {option: value})

    assert list(found) == [option]
    assert why in found[option]


def test_a_webhook_has_one_place_for_its_keys() -> None:
    assert wrong("webhook", {"secret": "x", "secretRef": "y"}) == {
        "secretRef": "stands beside secret: give one of them"
    }


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (ES, {}),
        ("http://es:9200/events-{YYYY-MM}/_doc/7", {}),
        ("http://es:9200", {"index": "events-{date}"}),
        ("http://es:9200/UPPER/_doc", {"index": "events"}),
        (ES, {"index": ""}),
        (ES, {"index": "a" * 255, "id": "é" * 256}),
        (ES, {"username": "u", "password": ""}),
        (ES, {"username": "u"}),
    ],
)
def test_elasticsearch_has_an_index_and_may_have_credentials(url: str, options: dict[str, str]) -> None:
    assert wrong("elasticsearch", options, url) == {}


@pytest.mark.parametrize(
    ("url", "options", "option", "why"),
    [
        ("http://es:9200", {}, "index", "is not named; name one here, or in the URL"),
        ("http://es:9200/", {"index": ""}, "index", "is not named; name one here, or in the URL"),
        ("http://es:9200/events", {}, "index", "is not named; name one here, or in the URL"),
        ("http://es:9200/Events/_doc", {}, "index", "lower case"),
        ("http://es:9200/a%2Cb/_doc", {}, "index", "lower case"),
        (ES, {"index": "Events"}, "index", "lower case"),
        (ES, {"index": "events-{DATE}"}, "index", "dates are written {date}"),
        (ES, {"index": "_all"}, "index", "begin with none of"),
        (ES, {"index": ".."}, "index", "lower case"),
        (ES, {"index": "a*"}, "index", "lower case"),
        (ES, {"index": "a b"}, "index", "lower case"),
        (ES, {"index": "é" * 128}, "index", "at most 255 bytes"),
        (ES, {"id": "x" * 513}, "id", "at most 512 bytes"),
        (ES, {"id": "\ud800"}, "id", "UTF-8"),
        (ES, {"username": "a:b"}, "username", "colon"),
        (ES, {"password": "p"}, "password", "no username"),
        (ES, {"username": "", "password": "p"}, "password", "no username"),
    ],
)
def test_a_mistake_in_an_option_of_elasticsearch_is_named(
    url: str, options: dict[str, str], option: str, why: str
) -> None:
    found = wrong("elasticsearch", options, url)

    assert list(found) == [option]
    assert why in found[option]


@given(st.dictionaries(st.sampled_from(["index", "id", "username", "password"]), st.text(max_size=20)))
def test_options_that_are_taken_make_a_document(options: dict[str, str]) -> None:
    if not wrong("elasticsearch", options):
        assert lines_of(delivery(url=ES, options=options)).count(b"\n") == 2


@pytest.mark.parametrize("url", ["", "http://"])
def test_of_a_hook_of_no_known_type_little_can_be_said(url: str) -> None:
    with contextlib.suppress(ValueError):
        check_url(None, url, None)
        assert url
    assert wrong(None, {"secret": "", "index": "?"}) == {}
