"""Whatever is written: what `app.hooks.hook` takes, the definition of EventHooks takes too."""

from __future__ import annotations

from typing import Any

from hypothesis import event, example, given
from hypothesis import strategies as st

from tests.crd import crd_problems
from tests.unit.hooks.resources import is_refused, resource

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
TOKENS = st.sampled_from(["*", "a", "pods", "_", "é", "%", "a-b", "\u200b"])
ODD_TOKENS = TOKENS | TEXTS
HOSTS_AND_PORTS = st.sampled_from(["h", "[::1]", "日本.example", "127.0.0.1:80", "user:p@h", "a_b"])


def subjects(tokens: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    last = st.sampled_from([[], [], [">"]])
    return st.builds(lambda found, end: ".".join(["ops", *found, *end]), st.lists(tokens, max_size=4), last)


def urls(hosts: st.SearchStrategy[str], paths: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    schemes = st.sampled_from(["http", "https", "HTTP", "hTTpS"])
    return st.builds(lambda scheme, host, path: f"{scheme}://{host}{path}", schemes, hosts, paths)


def options(**values: list[str]) -> st.SearchStrategy[dict[str, str]]:
    known = {name: st.sampled_from(found) for name, found in values.items()}
    return st.fixed_dictionaries({}, optional={**known, "ordered": st.sampled_from(["true", "false"]), "team": TEXTS})


PATHS = st.sampled_from(["", "/", "/i/_doc", "?key=x", "#f"]) | TEXTS.map(lambda text: f"/{text}")
DOCUMENTS = st.sampled_from(["/i/_doc", "/p/i//_doc/1", "/i-{date}/_doc?x=y"])
WEB = {"url": urls(HOSTS_AND_PORTS, PATHS)}
WEBHOOKS = {**WEB, "options": options(format=["text", "cloudevents"], secretRef=["a", "a.b/C_d"])}
DOCUMENTED = {
    "url": urls(HOSTS_AND_PORTS, DOCUMENTS),
    "options": options(index=["", "i", "i-{YYYY}"], id=["x"], username=["u"], password=[""]),
}
WORDS = st.lists(TEXTS.filter(bool), max_size=3)
KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "include": WORDS,
        "exclude": WORDS,
        "matchMode": st.sampled_from(["ANY", "ALL"]),
        "matchType": st.sampled_from(["CONTAINS", "EXACT", "REGEX"]),
    },
)
EACH: list[tuple[str, dict[str, st.SearchStrategy[Any]]]] = [
    ("webhook", WEBHOOKS),
    ("xiezuo", WEB),
    ("event", {"url": st.sampled_from(["alerts", "ops.a", "é"])}),
    ("elasticsearch", DOCUMENTED),
]
LIKELY = st.one_of(
    [
        st.fixed_dictionaries(
            {"type": st.just(kind), "subject": subjects(TOKENS), **fields},
            optional={"keywords": KEYWORDS, "additional": TEXTS},
        )
        for kind, fields in EACH
    ]
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "subject": subjects(ODD_TOKENS),
        "url": urls(HOSTS_AND_PORTS | TEXTS, PATHS) | subjects(ODD_TOKENS) | ODD_TOKENS,
        "options": st.dictionaries(st.sampled_from(["index", "secret", "secretRef", "username", "password"]), TEXTS),
    },
)
SPECS = LIKELY | st.builds(lambda likely, odd: {**likely, **odd}, LIKELY, ODD)


@given(SPECS)
@example({"type": "webhook", "subject": "ops.a", "url": "http://h/\x80"})
@example({"type": "webhook", "subject": "ops.a", "url": "http://h/", "options": {"secretRef": "a/B"}})
def test_what_is_taken_over_http_is_taken_by_the_definition(spec: dict[str, Any]) -> None:
    given_resource = {**resource(), "spec": spec}
    refused = is_refused(given_resource)
    event(f"{spec['type']} {'refused' if refused else 'taken'}")

    assert refused or crd_problems(given_resource) == []


@given(subjects(ODD_TOKENS) | TEXTS)
def test_a_subject_is_judged_alike_by_both(subject: str) -> None:
    given_resource = resource(subject=subject)

    assert bool(crd_problems(given_resource)) == is_refused(given_resource)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(resource()["spec"])), ANY_JSON))
def test_a_rule_never_ends_in_an_error_whatever_is_written(changes: dict[str, Any]) -> None:
    assert all(isinstance(message, str) for _, message in crd_problems(resource(**changes)))
