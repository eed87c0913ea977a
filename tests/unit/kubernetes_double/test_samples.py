"""The double against samples from a real API server 1.36: byte for byte, where the server fixes the order."""

from __future__ import annotations

import json

import pytest

from tests.kubernetes import CLUSTERS, CORE_EVENTS, EVENTS, HOSTS, PIPELINERUNS, TASKRUNS, ApiServer, Kind
from tests.unit.kubernetes_double.client import Client
from tests.unit.kubernetes_double.samples import SAMPLES, advance, host, put, put_events, sample


async def test_a_list_of_events_reads_as_the_sample_does(api: ApiServer, client: Client) -> None:
    put_events(api)
    async with client.session.get(EVENTS.path()) as response:
        text = await response.text()
    assert json.dumps(json.loads(text), indent=1) == json.dumps(sample("events-list.json"), indent=1)  # in its order


async def test_a_watch_of_events_reads_as_the_sample_does(api: ApiServer, client: Client) -> None:
    put_events(api)
    expected = [
        line for line in (SAMPLES / "events-watch.jsonl").read_bytes().splitlines(keepends=True) if line.strip()
    ]
    stream = await client.watch(EVENTS, resourceVersion=api.version)
    changed = json.loads(expected[0])["object"]
    advance(api, 127)
    api.update(EVENTS, changed)
    api.delete(EVENTS, "default", changed["metadata"]["name"])
    assert [await stream.raw() for _ in expected] == expected


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        (HOSTS, "hosts-node-a.example.internal.json"),
        (CLUSTERS, "clusters-prod-1.json"),
        (TASKRUNS, "taskruns-alert-evicted-pods-7hk2m.json"),
        (PIPELINERUNS, "pipelineruns-nightly-x9q4z.json"),
    ],
)
async def test_a_custom_resource_reads_as_the_sample_does(
    api: ApiServer, client: Client, kind: Kind, file: str
) -> None:
    given = sample(file)
    put(api, kind, given)
    read = await client.get(kind.path("ops-system", given["metadata"]["name"]))
    assert json.dumps(read, indent=1) == (SAMPLES / file).read_text().strip()
    listed = await client.get(kind.path())
    assert (listed["kind"], listed["items"]) == (f"{kind.kind}List", [given])  # with their type, unlike events
    assert listed["metadata"] == {"continue": "", "resourceVersion": given["metadata"]["resourceVersion"]}


async def test_the_older_form_of_an_event_has_the_older_names(api: ApiServer, client: Client) -> None:
    put_events(api)
    listed = await client.get(CORE_EVENTS.path("default"))
    assert (listed["kind"], listed["apiVersion"]) == ("EventList", "v1")
    backoff, mount = (
        next(item for item in listed["items"] if item["reason"] == why) for why in ("BackOff", "FailedMount")
    )
    assert list(backoff) == [
        *("metadata", "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count"),
        *("type", "eventTime", "reportingComponent", "reportingInstance"),
    ]
    assert backoff["involvedObject"]["fieldPath"] == "spec.containers{web}"
    assert (backoff["count"], backoff["lastTimestamp"], backoff["eventTime"]) == (37, "2026-11-23T05:10:12Z", None)
    assert backoff["source"] == {"component": "kubelet", "host": "ip-10-0-0-1.ec2.internal"}
    assert (mount["source"], mount["lastTimestamp"], mount["series"]["count"]) == ({}, None, 12)


async def test_an_event_in_the_older_form_is_told_in_both(api: ApiServer, client: Client) -> None:
    newer = await client.watch(EVENTS, resourceVersion=api.version)
    older = await client.watch(CORE_EVENTS, resourceVersion=api.version)
    api.create(
        CORE_EVENTS, host("a") | {"message": "hello", "involvedObject": {"kind": "Pod", "name": "web"}, "count": 2}
    )
    one, other = await newer.line(), await older.line()
    assert (one["object"]["apiVersion"], other["object"]["apiVersion"]) == ("events.k8s.io/v1", "v1")
    assert (one["object"]["note"], one["object"]["deprecatedCount"]) == ("hello", 2)
    assert one["object"]["regarding"] == other["object"]["involvedObject"] == {"kind": "Pod", "name": "web"}
    assert one["object"]["metadata"] == other["object"]["metadata"]
    assert "spec" not in one["object"]  # which no event has
