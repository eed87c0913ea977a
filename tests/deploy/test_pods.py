"""The rules that every pod keeps, and how the app's begin, serve and end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.dockerfile import DOCKERFILE, read
from tests.deploy.manifests import Manifest, environment, named, needs_helm, of_kind, pod, profile, rendered
from tests.deploy.values import EVERYTHING

PROFILES: list[dict[str, Any]] = [{}, profile("single"), profile("split"), profile("production"), EVERYTHING]
APP_ENDS_IN_SECONDS = 40  # deploy/README.md says of what it is made
NATS_MAY_BE_AWAY_SECONDS = 30  # an election takes 4 to 9 s, the restart of a server with much on its disk some more

pytestmark = needs_helm


def workloads(values: dict[str, Any]) -> list[Manifest]:
    manifests = rendered(values)
    return [*of_kind(manifests, "Deployment"), *of_kind(manifests, "Job")]


def pods_of(manifests: list[Manifest]) -> dict[str, dict[str, str]]:
    """The labels of the pods of each Deployment."""
    found = of_kind(manifests, "Deployment")
    return {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"] for one in found}


@pytest.mark.parametrize("values", PROFILES)
def test_no_pod_has_more_rights_than_it_needs(values: dict[str, Any]) -> None:
    user, _, group = read(DOCKERFILE.read_text()).last.only("USER").value.partition(":")
    for workload in workloads(values):
        security = pod(workload)["securityContext"]
        assert security["runAsNonRoot"] is True
        assert (security["runAsUser"], security["runAsGroup"]) == (int(user), int(group)), "the user of the image"
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod(workload))
        for container in pod(workload)["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@pytest.mark.parametrize("values", PROFILES)
def test_every_container_says_what_it_needs_and_where_it_stops(values: dict[str, Any]) -> None:
    for workload in workloads(values):
        for container in pod(workload)["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert set(container["resources"]["limits"]) == {"memory"}


@pytest.mark.parametrize("delay", [0, 10, 120])
def test_a_pod_is_given_the_time_that_the_app_takes_to_end(delay: int) -> None:
    deployment = named(rendered({"shutdownDelaySeconds": delay}), "Deployment", "ops-events-all")
    told = int(environment(deployment)["SHUTDOWN_DELAY"])
    assert told == delay
    assert pod(deployment)["terminationGracePeriodSeconds"] >= told + APP_ENDS_IN_SECONDS


def test_the_service_keeps_its_processes_while_nats_is_away_for_a_moment() -> None:
    probe = pod(named(rendered(), "Deployment", "ops-events-all"))["containers"][0]["readinessProbe"]
    soonest = probe["periodSeconds"] * (probe["failureThreshold"] - 1)  # the first may fail as soon as NATS goes
    assert soonest >= NATS_MAY_BE_AWAY_SECONDS
    assert probe.get("successThreshold", 1) == 1, "back as soon as NATS is"


def test_a_rolling_update_never_has_fewer_than_asked_for() -> None:
    for deployment in of_kind(rendered(profile("split")), "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_being_alive_is_asked_apart_from_being_ready() -> None:
    (container,) = pod(named(rendered(), "Deployment", "ops-events-all"))["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert asked == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


@pytest.mark.parametrize("values", PROFILES)
def test_what_selects_pods_selects_those_of_its_group(values: dict[str, Any]) -> None:
    manifests = rendered(values)
    labels = {
        d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in of_kind(manifests, "Deployment")
    }
    for kind, path in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        for manifest in of_kind(manifests, kind):
            wanted = manifest["spec"][path]["matchLabels"].items()
            chosen = [name for name, given in labels.items() if wanted <= given.items()]
            assert chosen == [manifest["metadata"]["name"]] or manifest["metadata"]["name"].endswith("-provision")


def test_events_are_posted_to_processes_that_take_them_and_all_are_counted() -> None:
    manifests = rendered(profile("split"))
    pods = {
        d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in of_kind(manifests, "Deployment")
    }

    def behind(service: str) -> list[str]:
        selector = named(manifests, "Service", service)["spec"]["selector"].items()
        return [name for name, labels in pods.items() if selector <= labels.items()]

    assert behind("ops-events") == ["ops-events-ingress"]
    assert behind("ops-events-metrics") == ["ops-events-ingress", "ops-events-watch", "ops-events-work"]


def egress(values: dict[str, Any], name: str) -> list[Any]:
    policy = named(rendered(values), "NetworkPolicy", f"ops-events-{name}")
    return [tuple(port["port"] for port in rule.get("ports", ())) for rule in policy["spec"]["egress"]]


def test_each_group_reaches_what_its_roles_need() -> None:
    dns, nats, kubernetes, anywhere = (53, 53), (4222,), (443, 6443), ()
    assert egress(profile("split"), "ingress") == [dns, nats, kubernetes]
    assert egress(profile("split"), "watch") == [dns, nats, kubernetes]
    assert egress(profile("split"), "work") == [dns, nats, anywhere]
    assert egress({}, "all") == [dns, nats, kubernetes, anywhere]
    assert egress({}, "provision") == [dns, nats]
    traced = {**profile("split"), "tracing": {"endpoint": "http://collector:4318"}}
    assert egress(traced, "watch") == [dns, nats, kubernetes, (4318,)]


def test_only_the_door_is_open_to_everybody() -> None:
    manifests = rendered(profile("split"))
    open_to_all = [
        policy["metadata"]["name"]
        for policy in of_kind(manifests, "NetworkPolicy")
        if any("from" not in rule for rule in policy["spec"].get("ingress", []))
    ]
    assert open_to_all == ["ops-events-ingress"]


def test_streams_are_made_before_the_app_starts_by_somebody_who_may() -> None:
    manifests = rendered()
    job = named(manifests, "Job", "ops-events-provision")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    (container,) = pod(job)["containers"]
    assert container["command"] == ["python", "-m", "streams", "apply", "--lenient"]
    app = named(manifests, "Deployment", "ops-events-all")
    assert container["image"] == pod(app)["containers"][0]["image"], "the streams of this very release"
    assert environment(job)["EVENT_ENDPOINT"] != environment(app)["EVENT_ENDPOINT"], "with another NATS user"
    assert environment(job)["EVENT_STREAM_REPLICAS"] == environment(app)["EVENT_STREAM_REPLICAS"]
    assert "serviceAccountName" not in pod(job), "accounts of the release are not there yet"
    assert pod(job)["automountServiceAccountToken"] is False
