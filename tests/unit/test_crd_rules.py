"""What the definition of EventHooks takes and refuses: nothing that `app.hooks.hook` takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.hooks.hook import parse
from tests.crd import OF_RULES, admitted, crd_problems
from tests.unit.hooks.resources import NAMESPACE, is_refused, resource

LOOKAHEAD = r"(?=.*BackOff)(?!.*healthcheck).*"
SAMPLES: list[dict[str, Any]] = [  # as existing users have them
    {"type": "webhook", "subject": "ops.>", "url": "http://h", "options": {"team": "sre", "format": "cloudevents"}},
    {"type": "xiezuo", "subject": "ops.clusters.*.>", "url": "https://xz.example.com/api/v1/webhook/send?key=x"},
    {"type": "xiezuo", "subject": "ops.>", "url": "https://h/", "keywords": {"include": ["a"]}, "additional": "\n@all"},
    {"type": "webhook", "subject": "ops.>", "url": "http://h", "keywords": {}, "options": {}},
    {
        "type": "webhook",
        "subject": "ops.a",
        "url": "http://h",
        "keywords": {"matchType": "REGEX", "include": [LOOKAHEAD]},
    },
    {"type": "event", "subject": "ops.clusters.*.nodes.*.events", "url": "ops.clusters.*.nodes.*.alerts"},
    {"type": "event", "subject": "ops.clusters.*.nodes.*.events", "url": "alerts"},
    {"type": "elasticsearch", "subject": "ops.>", "url": "http://es:9200/events-{date}/_doc/one"},
    {
        "type": "elasticsearch",
        "subject": "ops.>",
        "url": "https://es:9200",
        "options": {"index": "events-{YYYY.MM}", "id": "x", "username": "elastic", "password": "s3cret"},
    },
]

# What breaks each rule: changes to the spec, the field as it is told, and a part of the message.
BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "pager"}, "spec.type", 'supported values: "webhook"'),
    ({"type": ""}, "spec.type", 'supported values: "webhook"'),
    ({"type": None}, "spec.type", "Required value"),
    ({"subject": ""}, "spec.subject", "at least 1 chars long"),
    ({"url": ""}, "spec.url", "at least 1 chars long"),
    ({"subject": "ops." + "a" * 1021}, "spec.subject", "may not be more than 1024"),
    ({"subject": "ops." + "é" * 511}, "spec.subject", "at most 1024 bytes"),
    ({"subject": "ops"}, "spec.subject", "must begin with ops."),
    ({"subject": ">"}, "spec.subject", "must begin with ops."),
    ({"subject": "ops."}, "spec.subject", "empty token"),
    ({"subject": "ops..a"}, "spec.subject", "empty token"),
    ({"subject": "ops.>.a"}, "spec.subject", "not the whole last token"),
    ({"subject": "ops.a>"}, "spec.subject", "not the whole last token"),
    ({"subject": "ops.a*"}, "spec.subject", "inside a token"),
    ({"subject": "ops.**"}, "spec.subject", "inside a token"),
    ({"subject": "ops.a b"}, "spec.subject", "white space"),
    ({"subject": "ops.a\u3000"}, "spec.subject", "white space"),
    ({"subject": 5}, "spec.subject", "must be of type string"),
    ({"url": None}, "spec.url", "Required value"),
    ({"url": "example.com/hook"}, "spec.url", "must be of the form http://host/path"),
    ({"url": "ftp://h/"}, "spec.url", "must be of the form http://host/path"),
    ({"url": "http:///path"}, "spec.url", "must be of the form http://host/path"),
    ({"type": "xiezuo", "url": "ops.alerts"}, "spec.url", "must be of the form http://host/path"),
    ({"url": "http://h/a b"}, "spec.url", "white space"),
    ({"url": "http://h/\x85"}, "spec.url", "white space"),
    ({"url": "http://h/" + "a" * 4096}, "spec.url", "may not be more than 4096"),
    ({"type": "event", "url": "ops.>"}, "spec.url", "has a >"),
    ({"type": "event", "url": "https://h/"}, "spec.url", "is a URL"),
    ({"type": "event", "url": "ops.*a"}, "spec.url", "is no subject"),
    ({"type": "event", "url": "a..b"}, "spec.url", "is no subject"),
    ({"keywords": []}, "spec.keywords", "must be of type object"),
    ({"keywords": {"include": "BackOff"}}, "spec.keywords.include", "must be of type array"),
    ({"keywords": {"include": ["a", ""]}}, "spec.keywords.include[1]", "at least 1 chars long"),
    ({"keywords": {"exclude": ["a" * 1025]}}, "spec.keywords.exclude[0]", "may not be more than 1024"),
    ({"keywords": {"include": ["a"] * 101}}, "spec.keywords.include", "at most 100 items"),
    ({"keywords": {"exclude": ["a"] * 101}}, "spec.keywords.exclude", "at most 100 items"),
    ({"keywords": {"matchMode": "any"}}, "spec.keywords.matchMode", 'supported values: "ANY", "ALL"'),
    ({"keywords": {"matchType": "GLOB"}}, "spec.keywords.matchType", 'supported values: "CONTAINS"'),
    ({"additional": "a" * 16385}, "spec.additional", "may not be more than 16384"),
    ({"options": {"format": 1}}, "spec.options.format", "must be of type string"),
    ({"options": {"ordered": "yes"}}, "spec.options[ordered]", 'must be "true" or "false"'),
    ({"options": {"format": "xml"}}, "spec.options[format]", "must be text or cloudevents"),
    ({"options": {"secret": "a", "secretRef": "b"}}, "spec.options[secretRef]", "stands beside secret"),
    ({"options": {"secretRef": "_"}}, "spec.options[secretRef]", "the name of a Secret"),
    (
        {"type": "elasticsearch", "options": {"index": "i", "password": "p"}},
        "spec.options[password]",
        "has no username beside it",
    ),
    ({"type": "elasticsearch"}, "spec.options[index]", "is not named"),
    ({"type": "elasticsearch", "options": {"index": ""}}, "spec.options[index]", "is not named"),
]


@pytest.mark.parametrize("spec", SAMPLES, ids=json.dumps)
def test_what_existing_users_have_is_taken(spec: dict[str, Any]) -> None:
    given_resource = {**resource(), "spec": spec}

    assert crd_problems(given_resource) == []
    assert not is_refused(given_resource)


@pytest.mark.parametrize(("spec", "field", "why"), BROKEN, ids=lambda value: str(value)[:60])
def test_a_mistake_is_refused_with_its_field_here_and_over_http(spec: dict[str, Any], field: str, why: str) -> None:
    broken = resource(**spec)
    found = [problem for problem in crd_problems(broken) if problem[0] != "<nil>"]

    assert {told for told, _ in found} == {field}
    assert any(why in message for _, message in found)
    assert is_refused(broken)


def test_each_rule_is_broken_by_an_example() -> None:
    told = {message for spec, _, _ in BROKEN for _, message in crd_problems(resource(**spec))}

    assert [rule for _, rule in OF_RULES if not any(message.endswith(rule["message"]) for message in told)] == []


@pytest.mark.parametrize("name", ["spec", "spec.type", "spec.subject", "spec.url"])
def test_a_required_field_that_is_missing_is_named(name: str) -> None:
    broken = resource()
    part: dict[str, Any] = broken
    *parents, last = name.split(".")
    for parent in parents:
        part = part[parent]
    del part[last]

    assert (name, "Required value") in crd_problems(broken)


def test_options_are_bounded() -> None:
    most = {f"o{number}": "x" * 16384 for number in range(100)}

    assert crd_problems(resource(options=most)) == []
    assert crd_problems(resource(options={**most, "more": ""}))[0][0] == "spec.options"
    assert crd_problems(resource(options={"o": "x" * 16385}))[0][0] == "spec.options.o"


def test_what_nobody_knows_is_not_kept() -> None:
    odd = {**resource(uri="http://h", keywords={"includes": ["a"], "include": ["b"]}), "data": {"password": "x"}}
    kept = admitted(odd)

    assert kept.keys() == resource().keys()
    assert kept["metadata"] == resource()["metadata"]
    assert kept["spec"].keys() == resource()["spec"].keys()
    assert kept["spec"]["keywords"] == {"include": ["b"], "matchMode": "ANY", "matchType": "CONTAINS"}


def test_the_defaults_are_those_of_the_hook() -> None:
    bare = {**resource(), "spec": {"type": "webhook", "subject": "ops.>", "url": "http://h", "keywords": {}}}

    assert admitted(bare)["spec"]["keywords"] == {"matchMode": "ANY", "matchType": "CONTAINS"}
    assert parse(admitted(bare), NAMESPACE).spec == parse(bare, NAMESPACE).spec


def test_one_that_was_kept_before_there_were_rules_can_be_labelled_told_of_and_mended() -> None:
    kept = resource(type="", subject="ops..a", keywords={"matchMode": "some"})
    labelled = {**kept, "metadata": {**kept["metadata"], "labels": {"team": "sre"}}}
    mended = {**kept, "spec": {**kept["spec"], "type": "webhook", "subject": "ops.a", "keywords": {}}}

    assert crd_problems(kept)
    assert crd_problems(labelled, before=kept) == []
    assert crd_problems({**kept, "status": {"state": "active"}}, before=kept) == []
    assert crd_problems(mended, before=kept) == []
    broken_anew = {**kept, "spec": {**kept["spec"], "subject": "ops..b"}}
    assert ("spec.subject", 'Invalid value: "string": has an empty token: put a name between the dots') in crd_problems(
        broken_anew, before=kept
    )
