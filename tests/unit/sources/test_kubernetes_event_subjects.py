"""Where events of the Kubernetes API go, whatever stands in them."""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.events import subject
from app.events.payloads import Kube
from app.sources.kubernetes.events import event_id, observation_of
from tests.unit.events.examples import any_text
from tests.unit.sources.objects import EVENTS, an_event, anything, observed, published, subject_of, with_fields


def about(**regarded: Any) -> dict[str, Any]:
    return an_event(regarding=regarded)


def where(event: dict[str, Any]) -> str:
    found = observed(event)
    return subject_of(found.row, found.names, found.payload)


def test_the_samples_of_a_real_api_server_get_the_contracts_subjects() -> None:
    below = "ops.clusters.default"
    assert [where(event) for event in EVENTS] == [
        f"{below}.namespaces.default.persistentvolumeclaims.data-0.events",
        f"{below}.nodes.ip-10-0-0-1_ec2_internal.events",
        f"{below}.persistentvolumes.pvc-1f.events",
        f"{below}.namespaces.default.pods.web_v1_0.events",
        f"{below}.namespaces.default.pods.web-6d4b75cb6d-hx2k9.events",
        f"{below}.namespaces.default.pods.web-6d4b75cb6d-hx2k9.events",
        f"{below}.namespaces.default.deployments.web.events",
        f"{below}.namespaces.default.ingresss.web.events",
    ]


def test_an_event_about_a_node_is_the_nodes_even_where_a_namespace_is_written() -> None:
    event = about(kind="Node", name="ip-10-0-0-1.ec2.internal", namespace="default")

    assert where(event) == "ops.clusters.default.nodes.ip-10-0-0-1_ec2_internal.events"


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("Pod", "pods"),
        ("Ingress", "ingresss"),
        ("Endpoints", "endpointss"),
        ("Never.Seen_Before", "never_seen%5Fbefores"),
        ("A B*>\r\n", "a%20b%2A%3E%0D%0As"),
        ("", "%"),
        (None, "%"),
        ({"no": "kind"}, "%"),
    ],
)
def test_the_resource_type_is_the_kind_in_lower_case_and_a_literal_s(kind: object, token: str) -> None:
    event = about(kind=kind, namespace="default", name="x")

    assert where(event) == f"ops.clusters.default.namespaces.default.{token}.x.events"


@pytest.mark.parametrize("name", ["", None, 5, ["x"]])
def test_an_object_without_a_name_gets_a_legal_subject(name: object) -> None:
    assert where(about(kind="Node", name=name)) == "ops.clusters.default.nodes.%.events"
    assert where(about(kind="Pod", namespace="d", name=name)) == "ops.clusters.default.namespaces.d.pods.%.events"


@pytest.mark.parametrize("namespace", ["", None, 5])
def test_an_object_without_a_namespace_is_of_the_cluster(namespace: object) -> None:
    event = about(kind="PersistentVolume", name="pvc-1f", namespace=namespace)

    assert where(event) == "ops.clusters.default.persistentvolumes.pvc-1f.events"


@pytest.mark.parametrize("regarding", [None, [], "Pod/web-0", {}])
def test_an_event_about_nothing_gets_a_legal_subject(regarding: object) -> None:
    assert where(an_event(regarding=regarding)) == "ops.clusters.default.%.%.events"


def test_a_name_as_long_as_kubernetes_allows_is_kept() -> None:
    name = "a" * 253
    assert observed(about(kind="Pod", namespace="n" * 63, name=name)).names["name"] == name


@pytest.mark.parametrize("char", ["a", ".", "_", "*", "\ufffd", chr(0xD800), "日", "😀"])
@pytest.mark.parametrize("length", [100, 2000])
def test_names_of_any_length_leave_room_in_the_subject_and_stay_distinct(char: str, length: int) -> None:
    long = char * length
    one, other = (about(kind=long, namespace=long, name=long + end) for end in "xy")
    names = observed(one).names

    assert len(where(one).encode()) < subject.MAX_BYTES
    assert where(one) != where(other)
    assert where(one) == where(copy.deepcopy(one))
    assert names["name"].startswith(char * 20), "the beginning is kept"


texts = any_text | st.text(max_size=2000)
kinds = st.sampled_from(["Node", "Pod", "", "N.o_d%e "]) | texts
times = st.datetimes(timezones=st.just(dt.UTC) | st.timezones()).map(dt.datetime.isoformat) | st.datetimes().map(str)
regarded = with_fields(kind=kinds, name=texts, namespace=texts)
sources = with_fields(component=texts)
events = with_fields(
    metadata=with_fields(
        uid=texts,
        resourceVersion=texts,
        creationTimestamp=times,
        managedFields=st.lists(with_fields(manager=texts) | anything, max_size=4),
    ),
    regarding=regarded,
    involvedObject=regarded,
    note=texts,
    message=texts,
    type=texts,
    reason=texts,
    eventTime=times,
    lastTimestamp=times,
    deprecatedLastTimestamp=times,
    series=with_fields(lastObservedTime=times),
    reportingController=texts,
    reportingComponent=texts,
    source=sources,
    deprecatedSource=sources,
)


def identified(event: dict[str, Any]) -> dict[str, Any]:
    metadata = event.get("metadata")
    return {**event, "metadata": {"uid": "u", **(metadata if isinstance(metadata, dict) else {})}}


@given(events | events.map(identified))
@example(
    {"metadata": {"uid": "\ud800", "resourceVersion": "\udfff"}, "note": "\ud800", "regarding": {"kind": "\ud800"}}
)
@example({"metadata": {"uid": "u", "managedFields": [{"manager": "\ud800"}]}, "involvedObject": {"name": "a" * 2000}})
def test_whatever_an_event_holds_it_can_be_published_under_a_legal_subject(event: dict[str, Any]) -> None:
    found = observation_of(event)
    if found is None:
        return
    written = published(found.row, found.names, found.payload)

    assert subject.validate(written.subject or "") == written.subject
    assert subject.matches(subject.as_filter(found.row.subject), written.subject or "")
    assert Kube.model_validate(written.data).event_time == found.observed
    assert uuid.UUID(event_id("default", found.uid, found.version)).version == 5


@given(any_text, any_text, any_text)
def test_names_can_be_read_from_the_subject_again(kind: str, namespace: str, name: str) -> None:
    tokens = where(about(kind=f"x{kind}", namespace=f"n{namespace}", name=name)).split(".")[4:7]

    wanted = [f"n{namespace}", f"x{kind}".lower() + "s", name]
    for token, whole in zip(tokens, wanted, strict=True):
        if len(subject.encode(whole).encode()) <= 200:
            assert subject.decode(token) == whole
