"""The EventHooks resource: what is taken, and what a mistake is called."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.delivery.delivery import Target
from app.errors import InvalidResourceError
from app.hooks.hook import Keywords, parse
from tests.unit.hooks.resources import NAMESPACE, resource

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def problems(given_resource: dict[str, Any], name: str | None = None) -> dict[str, str]:
    """The reasons why a resource is refused, by field."""
    with pytest.raises(InvalidResourceError) as caught:
        parse(given_resource, NAMESPACE, name)
    assert all(f"{problem.field}: {problem.why}" in str(caught.value) for problem in caught.value.problems)
    return {problem.field: problem.why for problem in caught.value.problems}


def with_metadata(**metadata: Any) -> dict[str, Any]:
    return {**resource(), "metadata": {"name": "pod-errors", **metadata}}


def test_the_contracts_example_is_read() -> None:
    hook = parse(resource(), NAMESPACE)

    assert hook.key == "ops-system.pod-errors"
    assert hook.spec.type == "webhook"
    assert hook.spec.subject == "ops.clusters.*.namespaces.*.pods.*.events"
    assert hook.spec.keywords.include == ("BackOff", "Evicted")
    assert hook.spec.keywords.exclude == ("healthcheck",)
    assert (hook.spec.keywords.match_mode, hook.spec.keywords.match_type) == ("ANY", "CONTAINS")


def test_a_hook_becomes_a_target_of_its_channel() -> None:
    assert parse(resource(options={"format": "cloudevents"}), NAMESPACE).target == Target(
        key="hooks.ops-system.pod-errors",
        channel="webhook",
        url="https://example.com/hook",
        additional=" text appended to the readable text",
        options={"format": "cloudevents"},
    )


def test_a_hook_is_written_in_the_form_in_which_it_was_posted() -> None:
    written = parse(resource(), NAMESPACE).model_dump(mode="json", by_alias=True)

    assert written["spec"] == resource()["spec"]
    assert written["apiVersion"] == "crd.chenshaowen.com/v1"
    assert written["kind"] == "EventHooks"
    assert {"name": "pod-errors", "namespace": "ops-system"}.items() <= written["metadata"].items()


def test_only_type_subject_and_url_are_required() -> None:
    spec = {"type": "webhook", "subject": "ops.>", "url": "http://h"}
    hook = parse({"metadata": {"name": "h"}, "spec": spec}, "ns")

    assert hook.key == "ns.h"
    assert hook.spec.keywords == Keywords(include=(), exclude=(), match_mode="ANY", match_type="CONTAINS")
    assert (hook.spec.additional, hook.spec.options) == ("", {})


def test_the_name_is_taken_from_the_path_where_the_body_has_none() -> None:
    assert parse({**resource(), "metadata": {}}, NAMESPACE, "from-path").key == "ops-system.from-path"


def test_fields_that_kubernetes_adds_are_accepted() -> None:
    added = with_metadata(managedFields=[], selfLink="/x", uid="u", generation=3, ownerReferences=[{}])

    assert parse({**added, "status": {"x": 1}}, NAMESPACE).metadata.generation == 3


@pytest.mark.parametrize("name", ["a", "a-b", "a.b", "0", "a" * 253, "node-1.example.com"])
def test_a_dns_name_is_a_hooks_name(name: str) -> None:
    assert parse(with_metadata(name=name), NAMESPACE).metadata.name == name


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "https://user:pass@h:8443/path?token=x#f",
        "http://127.0.0.1:8080",
        "http://[::1]:80/",
        "HTTP://Host/",
        "http://h/%20",
        "http://日本.example/",
    ],
)
def test_an_http_url_is_taken_as_it_is(url: str) -> None:
    assert parse(resource(url=url), NAMESPACE).spec.url == url


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "xiezuo", "url": "https://xz.example.com/api/v1/webhook/send?key=x"},
        {"type": "event", "url": "ops.clusters.*.namespaces.*.pods.*.alerts"},
        {"type": "event", "url": "alerts"},
        {"type": "elasticsearch", "url": "http://es:9200/events-{date}/_doc"},
        {"type": "elasticsearch", "url": "http://es:9200", "options": {"index": "events-{YYYY.MM}", "id": "x"}},
        {"options": {"secret": "whsec_c2lnbmVkIGJ5IHRoZSBrZXkgb2YgdGVzdHM= other", "ordered": "true"}},
        {"options": {"secretRef": "signing/key", "of": "old", "": ""}},
    ],
    ids=str,
)
def test_a_hook_of_each_type_is_taken_as_it_is(spec: dict[str, Any]) -> None:
    found = parse(resource(**spec), NAMESPACE)

    assert found.model_dump(mode="json", by_alias=True)["spec"].items() >= spec.items()
    assert found.target.channel == spec.get("type", "webhook")


BAD_SPECS = [
    ({"type": "pager"}, "spec.type", "'webhook', 'xiezuo', 'event' or 'elasticsearch'"),
    ({"type": None}, "spec.type", "'webhook'"),
    ({"type": "xiezuo", "url": "ops.alerts"}, "spec.url", "http://host/path"),
    ({"type": "event"}, "spec.url", "is a URL"),
    ({"type": "event", "url": "ops.*.>"}, "spec.url", "has a >"),
    ({"type": "event", "url": "ops.*.*.*.*.*.*.*.*"}, "spec.url", "has a * at a place where"),
    ({"type": "elasticsearch", "url": "http://es:9200"}, "spec.options.index", "name one here, or in the URL"),
    ({"options": {"ordered": "yes"}}, "spec.options.ordered", "true or false"),
    ({"options": {"secret": ""}}, "spec.options.secret", "one key, or two"),
    ({"subject": "ops"}, "spec.subject", "begins with ops."),
    ({"subject": "other.>"}, "spec.subject", "begins with ops."),
    ({"subject": ">"}, "spec.subject", "begins with ops."),
    ({"subject": "*.a"}, "spec.subject", "begins with ops."),
    ({"subject": ""}, "spec.subject", "empty token"),
    ({"subject": "ops..a"}, "spec.subject", "empty token"),
    ({"subject": "ops.>.a"}, "spec.subject", "not the whole last token"),
    ({"subject": "ops.a*"}, "spec.subject", "stands for one whole token"),
    ({"subject": "ops.a b"}, "spec.subject", "white space"),
    ({"subject": "ops.\x00"}, "spec.subject", "control characters"),
    ({"subject": "ops." + "a" * 1021}, "spec.subject", "1025 bytes long"),
    ({"subject": 5}, "spec.subject", "valid string"),
    ({"url": ""}, "spec.url", "http://host/path"),
    ({"url": "example.com/hook"}, "spec.url", "http://host/path"),
    ({"url": "ftp://h/"}, "spec.url", "http://host/path"),
    ({"url": "file:///etc/passwd"}, "spec.url", "http://host/path"),
    ({"url": "http://"}, "spec.url", "http://host/path"),
    ({"url": "http:///path"}, "spec.url", "http://host/path"),
    ({"url": "http://:80/"}, "spec.url", "http://host/path"),
    ({"url": "http://h/a b"}, "spec.url", "white space"),
    ({"url": "http://h/\r\nX: y"}, "spec.url", "control character"),
    ({"url": "http://h/\x00"}, "spec.url", "control character"),
    ({"url": "http://h:port/"}, "spec.url", "ort"),
    ({"url": "http://h:65536/"}, "spec.url", "0-65535"),
    ({"url": "http://[::1/"}, "spec.url", "IPv6"),
    ({"url": "http://h/" + "a" * 4096}, "spec.url", "4096"),
    ({"url": None}, "spec.url", "valid string"),
    ({"keywords": None}, "spec.keywords", "valid dictionary"),
    ({"keywords": []}, "spec.keywords", "valid dictionary"),
    ({"keywords": {"include": "BackOff"}}, "spec.keywords.include", "valid tuple"),
    ({"keywords": {"include": None}}, "spec.keywords.include", "valid tuple"),
    ({"keywords": {"include": ["a", ""]}}, "spec.keywords.include[1]", "at least 1 character"),
    ({"keywords": {"include": ["a" * 1025]}}, "spec.keywords.include[0]", "at most 1024"),
    ({"keywords": {"include": ["a"] * 101}}, "spec.keywords.include", "at most 100"),
    ({"keywords": {"exclude": ["a"] * 101}}, "spec.keywords.exclude", "at most 100"),
    ({"keywords": {"exclude": ["a", 5]}}, "spec.keywords.exclude[1]", "valid string"),
    ({"keywords": {"exclude": [None]}}, "spec.keywords.exclude[0]", "valid string"),
    ({"keywords": {"matchMode": "SOME"}}, "spec.keywords.matchMode", "'ANY' or 'ALL'"),
    ({"keywords": {"matchMode": "any"}}, "spec.keywords.matchMode", "'ANY' or 'ALL'"),
    ({"keywords": {"matchType": "GLOB"}}, "spec.keywords.matchType", "'CONTAINS', 'EXACT' or 'REGEX'"),
    (
        {"keywords": {"matchType": "REGEX", "include": ["a", "("]}},
        "spec.keywords",
        "include[1] is no regular expression",
    ),
    (
        {"keywords": {"matchType": "REGEX", "exclude": ["[z-a]"]}},
        "spec.keywords",
        "exclude[0] is no regular expression",
    ),
    ({"keywords": {"includes": ["a"]}}, "spec.keywords.includes", "not permitted"),
    ({"additional": None}, "spec.additional", "valid string"),
    ({"additional": "a" * 16385}, "spec.additional", "at most 16384"),
    ({"options": None}, "spec.options", "valid dictionary"),
    ({"options": ["format"]}, "spec.options", "valid dictionary"),
    ({"options": {"format": "xml"}}, "spec.options.format", "text or cloudevents"),
    ({"options": {"format": 1}}, "spec.options.format", "valid string"),
    ({"uri": "http://h"}, "spec.uri", "not permitted"),
]


@pytest.mark.parametrize(("spec", "field", "why"), BAD_SPECS, ids=lambda value: str(value)[:60])
def test_a_mistake_in_the_spec_is_named_by_its_field_and_reason(spec: dict[str, Any], field: str, why: str) -> None:
    found = problems(resource(**spec))

    assert list(found) == [field]
    assert why in found[field]


@pytest.mark.parametrize("field", ["type", "subject", "url"])
def test_a_required_field_that_is_missing_is_named(field: str) -> None:
    given_resource = resource()
    del given_resource["spec"][field]

    assert problems(given_resource) == {f"spec.{field}": "Field required"}


@pytest.mark.parametrize(
    ("metadata", "field", "why"),
    [
        ({"name": None}, "metadata.name", "valid string"),
        ({"name": ""}, "metadata.name", "DNS subdomain"),
        ({"name": "Pod"}, "metadata.name", "DNS subdomain"),
        ({"name": "a_b"}, "metadata.name", "DNS subdomain"),
        ({"name": "-a"}, "metadata.name", "DNS subdomain"),
        ({"name": "a-"}, "metadata.name", "DNS subdomain"),
        ({"name": "a..b"}, "metadata.name", "DNS subdomain"),
        ({"name": "a\n"}, "metadata.name", "DNS subdomain"),
        ({"name": "*"}, "metadata.name", "DNS subdomain"),
        ({"name": "a" * 254}, "metadata.name", "at most 253"),
        ({"namespace": "other"}, "metadata.namespace", "'other', but the path says 'ops-system'"),
        ({"namespace": None}, "metadata.namespace", "None, but the path says 'ops-system'"),
        ({"generation": "many"}, "metadata.generation", "valid integer"),
        ({"labels": []}, "metadata.labels", "valid dictionary"),
    ],
)
def test_a_mistake_in_the_metadata_is_named(metadata: dict[str, Any], field: str, why: str) -> None:
    found = problems(with_metadata(**metadata))

    assert list(found) == [field]
    assert why in found[field]


@pytest.mark.parametrize("namespace", ["", "a.b", "A", "a_b", "*", "a" * 64, "a\n"])
def test_a_namespace_that_is_no_label_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidResourceError, match=r"metadata\.namespace: .*DNS label"):
        parse(with_metadata(), namespace)
    with pytest.raises(InvalidResourceError, match=r"metadata\.namespace"):
        parse(with_metadata(namespace=namespace), namespace)


def test_a_name_that_differs_from_the_paths_is_refused() -> None:
    assert problems(resource(), "other") == {"metadata.name": "is 'pod-errors', but the path says 'other'"}


def test_a_name_that_is_nowhere_is_asked_for() -> None:
    assert problems({**resource(), "metadata": {}}) == {"metadata.name": "Field required"}


@pytest.mark.parametrize("field", ["metadata", "spec"])
@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_a_part_of_the_wrong_type_is_named(field: str, value: object) -> None:
    assert list(problems({**resource(), field: value})) == [field]


@pytest.mark.parametrize(("field", "value"), [("kind", "EventHook"), ("apiVersion", "v1"), ("kind", None)])
def test_a_resource_of_another_kind_is_refused(field: str, value: object) -> None:
    assert list(problems({**resource(), field: value})) == [field]


def test_every_mistake_is_named_at_once() -> None:
    found = problems(resource(type="x", subject="", url="", keywords={"matchMode": "x"}, extra=1))

    assert set(found) == {"spec.type", "spec.subject", "spec.url", "spec.keywords.matchMode", "spec.extra"}


@pytest.mark.parametrize("url", ["ftp://user:s3cret@h/", "http://h/?token=s3cret\n", "http://s3cret]/"])
def test_a_refusal_does_not_repeat_the_secret_of_a_url(url: str) -> None:
    assert "s3cret" not in str(problems(resource(url=url)))


@pytest.mark.parametrize(
    "spec",
    [
        {"options": {"secret": "whsec_s3cret"}},
        {"options": {"secret": "s3cret s3cret s3cret"}},
        {"options": {"secret": "s3cret", "secretRef": "s3cret"}},
        {"options": {"secretRef": "whsec_s3cret"}},
        {"options": {"format": "s3cret"}},
        {"type": "event", "url": "https://user:s3cret@h/"},
        {"type": "event", "url": "https://user:s3cret@h/ "},
        {"type": "elasticsearch", "url": "http://user:s3cret@h:9200"},
        {"type": "elasticsearch", "options": {"index": "i", "username": "s3cret:", "password": "s3cret"}},
        {"type": "elasticsearch", "options": {"index": "S3CRET s3cret", "password": "s3cret"}},
    ],
    ids=str,
)
def test_a_refusal_does_not_repeat_the_secret_of_an_option(spec: dict[str, Any]) -> None:
    assert "s3cret" not in str(problems(resource(**spec))).casefold()


def test_every_mistake_in_the_options_is_named_at_once() -> None:
    options = {"format": "xml", "ordered": "1", "secret": " ", "secretRef": "_"}

    assert set(problems(resource(options=options))) == {f"spec.options.{name}" for name in options}


SPEC_FIELDS = sorted(resource()["spec"])
odd_keywords = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["include", "exclude", "matchMode"], json_values) | {"matchType": st.just("REGEX")}
)
odd_specs = st.dictionaries(st.sampled_from(SPEC_FIELDS), json_values | st.text(max_size=30)).map(
    lambda changes: {**resource()["spec"], **changes}
)
odd_resources = st.fixed_dictionaries(
    {
        "metadata": json_values | st.fixed_dictionaries({"name": json_values}, optional={"namespace": json_values}),
        "spec": json_values | odd_specs | odd_keywords.map(lambda keywords: resource(keywords=keywords)["spec"]),
    },
    optional={"kind": json_values, "apiVersion": json_values, "status": json_values},
)


@given(odd_resources, st.none() | st.just("pod-errors"))
@example({"metadata": None, "spec": None}, None)
@example({"metadata": {"name": {}}, "spec": resource()["spec"]}, None)
@example(resource(keywords={"matchType": "REGEX", "include": ["(?<=a{9999999999})"]}), None)
def test_json_of_any_shape_is_a_hook_or_refused_but_never_another_error(odd: dict[str, Any], name: str | None) -> None:
    with contextlib.suppress(InvalidResourceError):
        assert parse(odd, NAMESPACE, name).metadata.namespace == NAMESPACE
