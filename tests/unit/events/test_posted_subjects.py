"""Where a posted event goes: `POST /api/v1/namespaces/{namespace}/events/{event}`."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.events import subject
from app.events.subject import InvalidSubjectError
from tests.unit.events.examples import any_text


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("ops.test", "ops.test"),
        ("ops.Clusters.C.Nodes.N_1.Events", "ops.Clusters.C.Nodes.N_1.Events"),
        ("ops.a%b", "ops.a%b"),
        ("nodes.node-a.events", "ops.clusters.prod.nodes.node-a.events"),
        ("nodes.ip-10-0-0-1.ec2.internal.events", "ops.clusters.prod.nodes.ip-10-0-0-1_ec2_internal.events"),
        ("nodes.a_b.status", "ops.clusters.prod.nodes.a%5Fb.status"),
        ("my-custom-event", "ops.clusters.prod.namespaces.default.my-custom-event"),
        ("pods.web-0.events", "ops.clusters.prod.namespaces.default.pods.web-0.events"),
        ("Alerts.Disk_full", "ops.clusters.prod.namespaces.default.Alerts.Disk_full"),
        ("ops", "ops.clusters.prod.namespaces.default.ops"),
        ("opsx.a", "ops.clusters.prod.namespaces.default.opsx.a"),
        ("OPS.a", "ops.clusters.prod.namespaces.default.OPS.a"),
        ("nodes", "ops.clusters.prod.namespaces.default.nodes"),
        ("nodesx.a.b", "ops.clusters.prod.namespaces.default.nodesx.a.b"),
    ],
)
def test_the_beginning_of_the_event_decides_where_it_goes(event: str, expected: str) -> None:
    assert subject.posted("prod", "default", event) == expected


@pytest.mark.parametrize(
    ("cluster", "namespace", "expected"),
    [
        ("prod.eu", "default", "ops.clusters.prod_eu.namespaces.default.x"),
        ("c", "team.a", "ops.clusters.c.namespaces.team_a.x"),
        ("c", "team_a", "ops.clusters.c.namespaces.team%5Fa.x"),
        ("my cluster", "n", "ops.clusters.my%20cluster.namespaces.n.x"),
        ("*", "n", "ops.clusters.%2A.namespaces.n.x"),
    ],
)
def test_cluster_and_namespace_are_one_token_each(cluster: str, namespace: str, expected: str) -> None:
    assert subject.posted(cluster, namespace, "x") == expected


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("", "empty token"),
        (".", "empty token"),
        ("a..b", "empty token"),
        (".a", "empty token"),
        ("a.", "empty token"),
        ("ops.", "empty token"),
        ("ops..a", "empty token"),
        ("nodes.", "empty token"),
        ("nodes..events", "empty token"),
        ("nodes.n.", "empty token"),
        ("*", "wildcard"),
        ("a.*.b", "wildcard"),
        ("a*", "wildcard"),
        ("ops.>", "wildcard"),
        ("ops.a>b", "wildcard"),
        ("nodes.*.events", "wildcard"),
        ("a b", "white space"),
        ("ops.a b", "white space"),
        ("a\tb", "white space"),
        ("a\u00a0b", "white space"),
        ("a\u3000b", "white space"),
        ("ops.a\r\nPUB ops.b 1", "control characters"),
        ("a\rb", "control characters"),
        ("a\nb", "control characters"),
        ("a\x00b", "control characters"),
        ("a\x7fb", "control characters"),
        ("a\x85b", "control characters"),
        ("ops.a\n", "control characters"),
        ("a" + chr(0xD800), "not UTF-8"),
        ("a\ufffd", "not UTF-8"),
        ("nodes.node-a", "names no observation"),
        ("a" * 1025, "1025 bytes long: use at most 1024"),
        ("ops." + "é" * 511, "1026 bytes long"),
        ("a" * 1020, "use at most 1024"),
        ("nodes." + "_" * 500 + ".events", "use at most 1024"),
    ],
)
def test_an_event_that_cannot_be_a_subject_is_refused_with_the_reason(event: str, why: str) -> None:
    with pytest.raises(InvalidSubjectError, match=why):
        subject.posted("prod", "default", event)


@pytest.mark.parametrize("namespace", ["a b", "a*", ">", "a\r\nb", "a\x00", "a\u2028b", "\ud800"])
def test_a_namespace_that_cannot_be_one_is_refused(namespace: str) -> None:
    with pytest.raises(InvalidSubjectError, match="namespace"):
        subject.posted("prod", namespace, "x")


def test_the_longest_subject_is_taken() -> None:
    longest = "ops." + "a" * 1020

    assert subject.posted("c", "n", longest) == longest


@given(any_text, any_text, st.sampled_from(["", "ops.", "nodes."]), any_text)
@example("c", "n", "", "ops.a\r\nPUB x 1")
def test_what_is_posted_becomes_a_legal_subject_below_ops_or_an_error(
    cluster: str, namespace: str, form: str, event: str
) -> None:
    with contextlib.suppress(InvalidSubjectError):
        destination = subject.posted(cluster, namespace, form + event)

        assert destination.startswith("ops.")
        assert subject.validate(destination) == destination
        assert not any(char.isspace() or char in "*>\x00" for char in destination)
        assert all(destination.split("."))


@given(st.text("abc.", min_size=1, max_size=12).filter(lambda name: all(name.split("."))), st.text("ab", min_size=1))
def test_a_posted_node_has_the_subject_that_a_template_gives_it(name: str, observation: str) -> None:
    names = {"cluster": "c", "node": name, "observation": observation}
    expected = subject.fill("ops.clusters.{cluster}.nodes.{node}.{observation}", names)

    assert subject.posted("c", "n", f"nodes.{name}.{observation}") == expected
