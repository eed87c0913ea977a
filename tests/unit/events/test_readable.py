"""An event as text, to the letter, and never an error whatever the event holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.events import cloudevent, readable
from app.events.cloudevent import CloudEvent
from tests.unit.events.contract import EXAMPLES
from tests.unit.events.examples import json_objects, json_values, local_zone, posted_body, wire

POD = "ops.clusters.default.namespaces.default.pods.web-0.events"
TYPES = sorted({*EXAMPLES, "Anything"})
ZONES = ["UTC", "America/New_York", "Asia/Shanghai"]


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    with local_zone("UTC"):
        yield


def text(ce_type: str, data: Any, *, subject: str | None = None, cluster: str | None = None) -> str:
    return readable.text(CloudEvent[Any](id="1", type=ce_type, subject=subject, cluster=cluster, data=data))


def kube(subject: str = POD, **changes: Any) -> str:
    return text("Kube", {**EXAMPLES["Kube"], **changes}, subject=subject)


def test_a_pods_event_is_written_as_the_earlier_system_wrote_it() -> None:
    message = 'Back-off restarting failed container c in "pod"\nline2 é'
    written = kube(eventTime="2026-11-23T04:50:41.360819Z", message=message, **{"from": "Python-urllib"})

    assert written.encode() == posted_body("webhook-pods.http")


def test_the_text_is_the_one_in_the_earlier_systems_chat_messages() -> None:
    content = json.loads(posted_body("webhook-xiezuo.http"))["text"]["content"]
    message = 'Back-off restarting failed container c in "pod"\nline2 é'

    assert kube(message=message, **{"from": "Python-urllib"}) + " +add" == content


def test_a_hosts_status_is_written() -> None:
    assert text("Host", EXAMPLES["Host"]) == (
        "cluster: default \naddress: 10.0.0.11 \nhostname: node-a \ndiskUsagePercent: 31% \nheartStatus: Successed \n"
    )


def test_a_clusters_status_is_written() -> None:
    assert text("Cluster", EXAMPLES["Cluster"]) == (
        "cluster: default \nserver: https://10.0.0.1:6443 \nversion: v1.36.2 \ncertNotAfterDays: 298 \n"
        "heartStatus: Successed \n"
    )


def test_a_report_is_written() -> None:
    assert text("TaskRunReport", EXAMPLES["TaskRunReport"]) == (
        "cluster: default \nhost: node-a \nkind: disk \nthreshold: 80% \noperator: > \nvalue: 91% \n"
        "status: alerting \nmessage: disk is nearly full \ntime: 2026-11-23T04:50:41Z \n"
    )


def test_fields_without_a_value_have_no_line_but_a_zero_has() -> None:
    data = {"cluster": "c", "server": "", "status": {"version": None, "certNotAfterDays": 0}}

    assert text("Cluster", data) == "cluster: c \ncertNotAfterDays: 0 \n"


def test_the_cluster_is_taken_from_the_envelope_where_the_data_does_not_say_it() -> None:
    assert text("Host", {"address": "a"}, cluster="c") == "cluster: c \naddress: a \n"
    assert text("Host", {"cluster": "d", "address": "a"}, cluster="c") == "cluster: d \naddress: a \n"


def test_a_host_of_the_earlier_system_is_written_as_it_reported_itself() -> None:
    assert readable.text(cloudevent.read(wire("nats-host-status.body.json"))) == (
        "cluster: default \naddress: 127.0.0.1 \nhostname: vm\n \ndiskUsagePercent: 31%  \nheartStatus: Successed \n"
    )


def test_the_names_in_the_subject_are_decoded() -> None:
    subject = "ops.clusters.prod_eu.nodes.ip-10-0-0-1_ec2_internal.events"

    assert kube(subject).startswith("cluster: prod.eu \nnode: ip-10-0-0-1.ec2.internal \ntype: Warning \n")


def test_a_cluster_scoped_object_has_a_line_of_its_own_kind() -> None:
    assert kube("ops.clusters.c.persistentvolumes.pv_1.events").startswith(
        "cluster: c \npersistentvolume: pv.1 \ntype:"
    )


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "2026-11-23 04:50:41"),
        ("Asia/Shanghai", "2026-11-23 12:50:41"),
        ("America/New_York", "2026-11-22 23:50:41"),
        ("Asia/Kolkata", "2026-11-23 10:20:41"),
    ],
)
@pytest.mark.parametrize(
    "time", ["2026-11-23T04:50:41Z", "2026-11-23T04:50:41.999999999Z", "2026-11-23T12:50:41.5+08:00"]
)
def test_the_time_is_local(zone: str, written: str, time: str) -> None:
    with local_zone(zone):
        assert f"\ntimestamp: {written} \n" in kube(eventTime=time)


def test_summer_time_is_that_of_the_events_day() -> None:
    with local_zone("America/New_York"):
        assert "timestamp: 2026-07-01 00:00:00 " in kube(eventTime="2026-07-01T04:00:00Z")
        assert "timestamp: 2026-12-31 23:00:00 " in kube(eventTime="2027-01-01T04:00:00Z")


def test_a_time_that_cannot_be_read_is_written_as_it_came() -> None:
    assert "timestamp: a while ago \n" in kube(eventTime="a while ago")


@pytest.mark.parametrize("time", [None, "", 5, [], {}])
def test_an_event_without_a_time_has_no_line_for_it(time: object) -> None:
    assert "timestamp" not in kube(eventTime=time)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "9999-12-31T23:59:59.9"]
)
def test_a_time_at_the_end_of_the_calendar_is_no_error_in_any_zone(zone: str, time: str) -> None:
    # 0001-01-01T00:00:00Z is what Kubernetes writes for a time that is not set.
    with local_zone(zone):
        assert "reason: BackOff \n" in kube(eventTime=time)


def test_a_webhooks_text_is_its_content() -> None:
    assert text("Webhook", {"cluster": "c", "content": "disk is full\n on node-a "}) == "disk is full\n on node-a "


@pytest.mark.parametrize("data", [{"content": None}, {"content": 5}, {"message": "x"}, {}])
def test_a_webhook_without_content_is_written_as_json(data: dict[str, Any]) -> None:
    assert text("Webhook", data) == json.dumps(data, separators=(",", ":"))


@pytest.mark.parametrize("ce_type", ["Default", "Controller", "TaskRun", "Notification", "Anything"])
def test_any_other_type_is_written_as_compact_json_in_its_own_order(ce_type: str) -> None:
    written = text(ce_type, {"b": 1, "a": [1, 2.5, None, True], "é": {"t": "line\n<\u2028>"}})

    assert written == '{"b":1,"a":[1,2.5,null,true],"é":{"t":"line\\n<\u2028>"}}'


def test_big_integers_stay_whole_in_compact_json() -> None:
    assert text("Default", {"n": 12345678901234567890123}) == '{"n":12345678901234567890123}'
    assert '"big":12345678901234567000,' in readable.text(cloudevent.read(wire("nats-custom.body.json")))


def test_a_number_beyond_the_range_of_a_double_leaves_the_text_json() -> None:
    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is no JSON")

    event = cloudevent.read(b'{"specversion":"1.0","id":"1","source":"/s","type":"T","data":{"huge":1e400}}')
    json.loads(readable.text(event), parse_constant=refuse)


@given(json_objects)
def test_compact_json_says_what_the_data_says(data: dict[str, Any]) -> None:
    assert json.loads(text("Default", data)) == data


@pytest.mark.parametrize("ce_type", TYPES)
def test_data_that_is_text_is_written_as_it_is(ce_type: str) -> None:
    assert text(ce_type, "hello \n") == "hello \n"


@pytest.mark.parametrize("ce_type", TYPES)
@pytest.mark.parametrize(("data", "written"), [(None, "null"), ([1, "a"], '[1,"a"]'), (5, "5"), (True, "true")])
def test_data_that_is_no_object_is_written_as_json(ce_type: str, data: object, written: str) -> None:
    assert text(ce_type, data) == written


@pytest.mark.parametrize("status", [None, "up", 5, [], [{"hostname": "a"}], {"hostname": {"a": [1]}}, {"status": {}}])
def test_a_status_of_another_shape_costs_its_own_lines_only(status: object) -> None:
    assert text("Host", {"cluster": "c", "address": "a", "status": status}).startswith("cluster: c \naddress: a \n")


odd_times = st.sampled_from(["", "1", "0001-01-01T00:00:00+14:00", "2026-11-23T04:50:41-23:59", "20261123"]) | st.text()
odd_data = json_values | st.fixed_dictionaries(
    {"status": json_values},
    optional=dict.fromkeys(["cluster", "address", "content", "message", "type", "from"], json_values)
    | {"eventTime": json_values | odd_times | st.datetimes().map(lambda time: f"{time.isoformat()}Z")},
)


@given(st.sampled_from(TYPES), st.sampled_from(ZONES), st.none() | st.just(POD) | st.text(min_size=1), odd_data)
@example("Kube", "Asia/Shanghai", POD, {"eventTime": "9999-12-31T23:00:00Z"})
@example("Host", "UTC", None, {"status": {"hostname": [{"a": None}]}})
def test_odd_data_never_raises(ce_type: str, zone: str, subject: str | None, data: Any) -> None:
    with local_zone(zone):
        text(ce_type, data, subject=subject).encode()


def test_deeply_nested_data_never_raises() -> None:
    nested: Any = []
    for _ in range(150):
        nested = [nested]

    assert text("Default", {"a": nested}) == '{"a":' + "[" * 151 + "]" * 151 + "}"
    assert text("Host", {"address": nested}).startswith("address: ")
