"""Payloads that would be too large for NATS."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events.cloudevent import compact_json
from app.events.payloads import (
    Kube,
    Payload,
    PipelineRun,
    PipelineTask,
    PipelineTaskStatus,
    TaskRun,
    TaskRunNodeStatus,
    TaskRunStep,
)
from app.sources.kubernetes.shortening import shortened

LIMIT = 1_000_000


def printed(*outputs: str) -> list[TaskRunNodeStatus]:
    steps = [TaskRunStep(step_name=f"s{at}", step_output=output) for at, output in enumerate(outputs)]
    return [TaskRunNodeStatus(node_name="node-a", run_status="Failed", task_run_step=steps)]


def task_run(*outputs: str) -> TaskRun:
    return TaskRun(cluster="c", task_ref="t", run_status="Failed", task_run_node_status=printed(*outputs))


def outputs(run: TaskRun) -> list[str | None]:
    return [step.step_output for node in run.task_run_node_status for step in node.task_run_step]


def test_a_payload_that_fits_stays_as_it_is() -> None:
    run = task_run("x" * 900_000)
    assert shortened(run, LIMIT) is run


def test_a_long_output_keeps_its_end_and_says_how_much_is_gone() -> None:
    output = "x" * 3_000_000 + " the error"
    (cut,) = outputs(shortened(task_run(output), LIMIT))

    assert cut is not None
    note, _, end = cut.partition("\n")
    assert note == f"[{len(output) - len(end)} characters left out]"
    assert output.endswith(end)
    assert len(cut) > LIMIT / 4, "no more is cut than must be, give or take a half or so"


def test_short_outputs_are_whole_beside_a_long_one() -> None:
    found = shortened(task_run("first", "x" * 2_000_000, "last"), LIMIT)

    assert [outputs(found)[0], outputs(found)[2]] == ["first", "last"]
    assert (found.task_ref, found.run_status) == ("t", "Failed")


def test_the_outputs_of_a_pipelines_tasks_are_cut_too() -> None:
    status = PipelineTaskStatus(run_status="Failed", task_run_node_status=printed("x" * 2_000_000, "last"))
    run = PipelineRun(cluster="c", pipeline_run_status=[PipelineTask(task_name="disk", task_run_status=status)])
    found = shortened(run, LIMIT)

    assert len(compact_json(found)) <= LIMIT
    assert found.pipeline_run_status[0].task_name == "disk"
    assert found.pipeline_run_status[0].task_run_status.task_run_node_status[0].task_run_step[1].step_output == "last"


def test_where_too_many_short_texts_are_the_cause_the_lists_are_left_out() -> None:
    run = task_run(*["12\n"] * 50_000).model_copy(update={"desc": "x" * 2_000_000})
    found = shortened(run, LIMIT)

    assert (found.task_ref, found.run_status, found.task_run_node_status) == ("t", "Failed", [])
    assert len(compact_json(found)) < 1_000


def test_what_is_cut_is_no_longer_with_its_note_than_it_may_be() -> None:
    found = shortened(task_run(*["x" * 300] * 3_300), LIMIT)

    assert {len(output or "") for output in outputs(found)} <= set(range(200, 257))
    assert len(outputs(found)) == 3_300


def test_a_message_of_any_length_is_cut_and_its_time_kept() -> None:
    time = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    found = shortened(Kube(cluster="c", event_time=time, message="x" * 1_200_000), LIMIT)

    assert len(compact_json(found)) <= LIMIT
    assert found.event_time == time
    assert (found.message or "").startswith("[")


@pytest.mark.parametrize("char", ["x", "日", "😀", "\x00", '"'])
def test_what_counts_is_the_size_of_the_json(char: str) -> None:
    assert len(compact_json(shortened(task_run(char * 1_000_000), LIMIT))) <= LIMIT


texts = st.text(max_size=30).flatmap(lambda text: st.integers(1, 400).map(lambda times: text * times))
payloads: st.SearchStrategy[Payload] = st.builds(
    TaskRun,
    cluster=st.just("c"),
    desc=texts,
    variables=st.dictionaries(texts, texts, max_size=3),
    task_run_node_status=st.lists(texts, max_size=5).map(lambda found: printed(*found)),
)


@given(payloads, st.integers(4_000, 20_000))
def test_whatever_a_payload_holds_it_fits(payload: Payload, limit: int) -> None:
    assert len(compact_json(shortened(payload, limit))) <= limit
