"""What the `data` of each event type holds. Field names are the contract's (camelCase on the wire).

Values are strings as the Ops controllers write them, unit included (`"31%"`, `"125Gi"`), unless a field says otherwise.
Secrets of a specification (password, private key, token, kubeconfig) have no field here, so none can be published.
"""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.alias_generators import to_camel


class Payload(BaseModel):
    """The root of payload models: camelCase on the wire, snake_case in code; unknown fields are dropped.

    A field that is None is not known, and is left out.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_known(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        extra = self.model_extra or {}
        return {key: value for key, value in serialize(self).items() if value is not None or key in extra}


class ClusterPayload(Payload):
    """A payload that says which cluster it came from."""

    cluster: str | None = Field(default=None, description="The value of EVENT_CLUSTER.", examples=["default"])


class Controller(ClusterPayload):
    """A controller is ready: its watch is established."""

    kind: str = Field(description="The plural of the kind that it watches.", examples=["Hosts"])
    status: str = Field(default="setup", description="Always setup.", examples=["setup"])


class HostStatus(Payload):
    """What the host controller measured on the host. Source: `Host.status`."""

    hostname: str | None = Field(default=None, description="Name that the host gives itself.", examples=["node-a"])
    kernel_version: str | None = Field(default=None, description="Kernel release.", examples=["5.15.0-91-generic"])
    distribution: str | None = Field(default=None, description="Linux distribution.", examples=["ubuntu"])
    arch: str | None = Field(default=None, description="Machine architecture.", examples=["x86_64"])
    disk_total: str | None = Field(default=None, description="Size of the root disk.", examples=["271G"])
    disk_usage_percent: str | None = Field(default=None, description="Its use.", examples=["31%"])
    cpu_total: str | None = Field(default=None, description="Number of cores.", examples=["32"])
    cpu_load1: str | None = Field(
        default=None, alias="cpuLoad1", description="Load average over one minute.", examples=["1.94"]
    )
    cpu_usage_percent: str | None = Field(default=None, description="Use of all cores.", examples=["36.90%"])
    mem_total: str | None = Field(default=None, description="Memory.", examples=["125Gi"])
    mem_usage_percent: str | None = Field(default=None, description="Its use.", examples=["42.87%"])
    accelerator_vendor: str | None = Field(default=None, description="Maker of the accelerators.", examples=["NVIDIA"])
    accelerator_model: str | None = Field(default=None, description="Their model.", examples=["A100-SXM4-80GB"])
    accelerator_count: str | None = Field(default=None, description="Their number.", examples=["8"])
    heart_status: str | None = Field(default=None, description="Outcome of the last probe.", examples=["Successed"])
    heart_time: str | None = Field(
        default=None, description="When it was probed, RFC 3339.", examples=["2026-11-23T04:49:36Z"]
    )


class Host(ClusterPayload):
    """A host and its state. Source: `Host`, without the credentials of its spec."""

    address: str | None = Field(default=None, description="Where it is reached.", examples=["10.0.0.11"])
    port: int | None = Field(default=None, description="SSH port.", examples=[22])
    username: str | None = Field(default=None, description="Who logs in there.", examples=["root"])
    status: HostStatus = Field(default=HostStatus(), description="What was measured.")


class ClusterStatus(Payload):
    """What the cluster controller measured. Source: `Cluster.status`."""

    uid: str | None = Field(
        default=None, description="Identity of the cluster.", examples=["dd735117-762e-4474-926a-1d70a2922cbc"]
    )
    version: str | None = Field(default=None, description="Version of its API server.", examples=["v1.36.2"])
    node: int | None = Field(default=None, description="Number of nodes.", examples=[12])
    pod: int | None = Field(default=None, description="Number of pods.", examples=[431])
    running_pod: int | None = Field(default=None, description="Number of running pods.", examples=[425])
    cert_not_after_days: int | None = Field(
        default=None, description="Days until the API certificate expires.", examples=[298]
    )
    heart_status: str | None = Field(default=None, description="Outcome of the last probe.", examples=["Successed"])
    heart_time: str | None = Field(
        default=None, description="When it was probed, RFC 3339.", examples=["2026-11-23T04:49:36Z"]
    )


class Cluster(ClusterPayload):
    """A cluster and its state. Source: `Cluster`, without its token and kubeconfig."""

    server: str | None = Field(
        default=None, description="Address of its API server.", examples=["https://10.0.0.1:6443"]
    )
    status: ClusterStatus = Field(default=ClusterStatus(), description="What was measured.")


class Task(ClusterPayload):
    """A task definition. Only its controller's readiness is published so far."""

    model_config = ConfigDict(extra="allow")

    desc: str | None = Field(default=None, description="What it is for.", examples=["check the disks"])


class Pipeline(ClusterPayload):
    """A pipeline definition. Only its controller's readiness is published so far."""

    model_config = ConfigDict(extra="allow")

    desc: str | None = Field(default=None, description="What it is for.", examples=["nightly checks"])


class TaskRunStep(Payload):
    """One step of a task on one node."""

    step_name: str | None = Field(default=None, description="Name of the step.", examples=["count"])
    step_content: str | None = Field(default=None, description="What was run.", examples=["kubectl get pods -A"])
    step_output: str | None = Field(default=None, description="What it printed.", examples=["12\n"])
    step_status: str | None = Field(default=None, description="How it ended.", examples=["Successed"])


class TaskRunNodeStatus(Payload):
    """How a task went on one node. Source: one entry of the map `status.taskrunNodeStatus`."""

    node_name: str | None = Field(default=None, description="The key of the map.", examples=["node-a"])
    run_status: str | None = Field(default=None, description="How it ended on this node.", examples=["Successed"])
    task_run_step: list[TaskRunStep] = Field(default=[], description="The steps, in order.")


class TaskRun(ClusterPayload):
    """How a task run went. Source: `TaskRun`."""

    task_ref: str | None = Field(default=None, description="Name of the Task.", examples=["alert-evicted-pods"])
    desc: str | None = Field(default=None, description="What it is for.", examples=["clean evicted pods"])
    variables: dict[str, str] = Field(
        default={}, description="Values it was given.", examples=[{"host": "node-a", "threshold": "10"}]
    )
    run_status: str | None = Field(
        default=None, description="Successed, Failed, Running, Aborted, DataInValid or Dispatched.", examples=["Failed"]
    )
    start_time: str | None = Field(
        default=None, description="When it began, RFC 3339.", examples=["2026-11-23T04:49:26Z"]
    )
    task_run_node_status: list[TaskRunNodeStatus] = Field(default=[], description="How it went, node by node.")


class PipelineTaskStatus(Payload):
    """The state of the run that a pipeline's task made."""

    run_status: str | None = Field(default=None, description="How it ended.", examples=["Successed"])
    task_run_node_status: list[TaskRunNodeStatus] = Field(default=[], description="How it went, node by node.")


class PipelineTask(Payload):
    """One task of a pipeline run."""

    task_name: str | None = Field(default=None, description="The resource calls it `name`.", examples=["disk"])
    task_ref: str | None = Field(default=None, description="Name of the Task.", examples=["check-disk"])
    task_run_status: PipelineTaskStatus = Field(default=PipelineTaskStatus(), description="How its run went.")


class PipelineRun(ClusterPayload):
    """How a pipeline run went. Source: `PipelineRun`."""

    pipeline_ref: str | None = Field(default=None, description="Name of the Pipeline.", examples=["nightly"])
    desc: str | None = Field(default=None, description="What it is for.", examples=["nightly checks"])
    variables: dict[str, str] = Field(
        default={}, description="Values it was given.", examples=[{"TIME": "1795409366582186"}]
    )
    run_status: str | None = Field(default=None, description="How it ended.", examples=["Successed"])
    start_time: str | None = Field(
        default=None, description="When it began, RFC 3339.", examples=["2026-11-23T01:00:00Z"]
    )
    pipeline_run_status: list[PipelineTask] = Field(default=[], description="Its tasks, in order.")


class Kube(ClusterPayload):
    """An event of the Kubernetes API. Source: `events.k8s.io/v1`."""

    type: str | None = Field(default=None, description="Normal or Warning.", examples=["Warning"])
    reason: str | None = Field(default=None, description="Why, in one word.", examples=["BackOff"])
    event_time: AwareDatetime | None = Field(default=None, description="The latest observation, RFC 3339.")
    from_: str | None = Field(default=None, alias="from", description="Who reported it.", examples=["kubelet"])
    message: str | None = Field(
        default=None, description="What happened.", examples=["Back-off restarting failed container"]
    )


class Webhook(ClusterPayload):
    """A text to pass on."""

    content: str | None = Field(default=None, description="The text.", examples=["disk is full on node-a"])
    source: str | None = Field(default=None, description="Who sends it.", examples=["backup"])
    webhook_url: str | None = Field(default=None, description="Where it came in.", examples=["https://example.com/in"])


class TaskRunReport(ClusterPayload):
    """A finding that a task run reports."""

    host: str | None = Field(default=None, description="Where it was found.", examples=["node-a"])
    kind: str | None = Field(default=None, description="What was measured.", examples=["disk"])
    threshold: str | None = Field(default=None, description="The bound.", examples=["80%"])
    operator: str | None = Field(default=None, description="How the value is compared with it.", examples=[">"])
    value: str | None = Field(default=None, description="The value.", examples=["91%"])
    status: str | None = Field(default=None, description="What that means.", examples=["alerting"])
    message: str | None = Field(default=None, description="In words.", examples=["the disk fills"])
    time: str | None = Field(
        default=None, description="When, as the reporter writes it.", examples=["2026-11-23 04:50:41"]
    )


class Notification(Payload):
    """A message to people. Fields that are not named here are kept.

    Of those, `link` is shown as one; `key` names what it is about, so that a later notification with the same key is
    about the same; and `status` says with resolved, recovered or ok that it is over.
    """

    model_config = ConfigDict(extra="allow")

    provider: str | None = Field(default=None, description="Who sends it.", examples=["ksyun"])
    channel: str | None = Field(default=None, description="By which channel it is to go.", examples=["webhook"])
    severity: str | None = Field(
        default=None, description="debug < info < warning < error < critical.", examples=["error"]
    )
    message: str | None = Field(default=None, description="The text.", examples=["the disk of node-a is full"])
    title: str | None = Field(default=None, description="Its headline.", examples=["disk"])
    timestamp: str | int | None = Field(
        default=None, description="When, as the sender writes it.", examples=["2026-11-23T04:50:41Z"]
    )


class Custom(Payload):
    """Any JSON object, kept as it was posted; its string field `type`, if any, names the event's type."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"message": "hello"}]})

    type: Any = Field(default=None, description="Names the event's type where it is a string.")
