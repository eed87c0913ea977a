"""Custom resources in which anything stands: no event is lost for it, and no secret gets out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import subject
from app.sources.kubernetes.resources import STATUS_KINDS, status_digest
from tests.unit.events.examples import any_text
from tests.unit.sources.objects import (
    HOST,
    TASK_RUN,
    anything,
    changed,
    payload_of,
    published,
    read,
    subject_of,
    with_fields,
)

KINDS = pytest.mark.parametrize("kind", STATUS_KINDS)


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(inner)


@pytest.mark.parametrize(
    ("port", "number"),
    [
        (22, 22),
        ("22", 22),
        (" 22\n", 22),
        (22.0, 22),
        ("ssh", None),
        ("\uff12\uff12", None),
        ("", None),
        (None, None),
        (True, None),
        ([22], None),
        (22.5, None),
        (float("inf"), None),
        (1 << 70, None),
        ("9" * 19, None),
    ],
)
def test_a_number_that_is_written_as_something_else_is_read_where_that_is_plain(
    port: object, number: int | None
) -> None:
    assert read(changed(HOST, "spec", port=port)).get("port") == number


@pytest.mark.parametrize(
    ("value", "text"), [(8, "8"), (1.94, "1.94"), (True, "true"), (None, None), ([8], None), ({"n": 8}, None)]
)
def test_a_text_that_is_written_as_a_number_is_spelled_as_json_does(value: object, text: str | None) -> None:
    assert read(changed(HOST, "status", acceleratorCount=value))["status"].get("acceleratorCount") == text
    assert read(changed(TASK_RUN, "spec", variables={"n": value}))["variables"].get("n") == text


@pytest.mark.parametrize("wrong", [None, 7, "text", ["a", None, 7], {}])
@KINDS
def test_a_resource_whose_parts_are_something_else_still_has_a_payload(kind: str, wrong: object) -> None:
    assert read({"spec": wrong, "status": wrong, "metadata": wrong}, kind)["cluster"] == "default"
    assert set(STATUS_KINDS[kind].names({"metadata": wrong}).values()) == {""}


@KINDS
def test_names_of_any_length_leave_room_in_the_subject(kind: str) -> None:
    resource = {"metadata": {"namespace": "n" * 2000, "name": "x" * 2000}}
    row, names = STATUS_KINDS[kind].row, STATUS_KINDS[kind].names(resource)

    assert len(subject_of(row, names, payload_of(resource, kind))) < subject.MAX_BYTES


def test_one_broken_node_or_step_leaves_the_others() -> None:
    steps = [None, {"stepName": "ok", "stepOutput": None}, 7]
    run = changed(
        TASK_RUN, "status", taskrunNodeStatus={"a": None, "b": {"taskRunStep": steps}, "c": {"runStatus": []}}
    )

    assert read(run)["taskRunNodeStatus"] == [
        {"nodeName": "a", "taskRunStep": []},
        {"nodeName": "b", "taskRunStep": [{}, {"stepName": "ok"}, {}]},
        {"nodeName": "c", "taskRunStep": []},
    ]


texts = any_text
steps = with_fields(stepName=texts, stepContent=texts, stepOutput=texts, stepStatus=texts)
nodes = st.dictionaries(
    texts, with_fields(runStatus=texts, taskRunStep=st.lists(steps | anything, max_size=3)), max_size=3
)
tasks = with_fields(name=texts, taskRef=texts, taskRunStatus=with_fields(runStatus=texts, taskrunNodeStatus=nodes))
resources = with_fields(
    metadata=with_fields(name=texts, namespace=texts),
    spec=with_fields(
        address=texts,
        port=st.integers(),
        server=texts,
        desc=texts,
        taskRef=texts,
        variables=st.dictionaries(st.sampled_from(["password", "kubeconfig", "host"]) | texts, anything, max_size=3),
    ),
    status=with_fields(
        runStatus=texts,
        cpuTotal=texts,
        node=st.integers(),
        heartTime=texts,
        taskrunNodeStatus=nodes,
        pipelineRunStatus=st.lists(tasks | anything, max_size=3),
    ),
)


@given(st.sampled_from(sorted(STATUS_KINDS)), resources)
def test_whatever_a_resource_holds_it_can_be_published_under_a_legal_subject(
    kind: str, resource: dict[str, Any]
) -> None:
    known = STATUS_KINDS[kind]
    payload = payload_of(resource, kind)
    names = known.names(resource)
    event = published(known.row, names, payload)

    assert subject.validate(event.subject or "") == event.subject
    assert subject.decode((event.subject or "").split(".")[-2]) == names[known.row.names[-1]]
    assert known.row.payload.model_validate(event.data) == payload
    assert bool(status_digest(resource)) == bool(resource.get("status"))


@given(st.text("QZX0189!/+é", min_size=4, max_size=20), any_text, any_text, st.sampled_from(["TASK_TOKEN", "sshKey"]))
def test_the_value_of_a_secret_variable_is_nowhere_in_the_payload(
    secret: str, before: str, behind: str, name: str
) -> None:
    text = f"{before}{secret}{behind}"
    nodes = {"a": {"taskRunStep": [{"stepContent": text, "stepOutput": text}]}}
    spec = {"desc": text, "variables": {name: secret, "other": text}}
    task = {"taskRunStatus": {"taskrunNodeStatus": nodes}}
    run = {"spec": spec, "status": {"taskrunNodeStatus": nodes, "pipelineRunStatus": [task]}}

    for kind in ("TaskRun", "PipelineRun"):
        assert read(run, kind)["variables"][name] == "***"
        assert not [text for text in texts_in(read(run, kind)) if secret in text]
