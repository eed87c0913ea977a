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
    status: str = Field(default="setup", examples=["setup"])


class HostStatus(Payload):
    """What the host controller measured on the host. Source: `Host.status`."""

    hostname: str | None = Field(default=None, examples=["node-a"])
    kernel_version: str | None = None
    distribution: str | None = None
    arch: str | None = None
    disk_total: str | None = Field(default=None, examples=["271G"])
    disk_usage_percent: str | None = Field(default=None, examples=["31%"])
    cpu_total: str | None = Field(default=None, description="Number of cores.")
    cpu_load1: str | None = Field(default=None, alias="cpuLoad1", description="Load average over one minute.")
    cpu_usage_percent: str | None = None
    mem_total: str | None = Field(default=None, examples=["125Gi"])
    mem_usage_percent: str | None = None
    accelerator_vendor: str | None = None
    accelerator_model: str | None = None
    accelerator_count: str | None = None
    heart_status: str | None = Field(default=None, description="Outcome of the last probe.", examples=["Successed"])
    heart_time: str | None = Field(default=None, description="When it was probed, RFC 3339.")


class Host(ClusterPayload):
    """A host and its state. Source: `Host`, without the credentials of its spec."""

    address: str | None = Field(default=None, examples=["10.0.0.11"])
    port: int | None = Field(default=None, description="SSH port.", examples=[22])
    username: str | None = None
    status: HostStatus = HostStatus()


class ClusterStatus(Payload):
    """What the cluster controller measured. Source: `Cluster.status`."""

    uid: str | None = None
    version: str | None = Field(default=None, examples=["v1.36.2"])
    node: int | None = Field(default=None, description="Number of nodes.")
    pod: int | None = Field(default=None, description="Number of pods.")
    running_pod: int | None = Field(default=None, description="Number of running pods.")
    cert_not_after_days: int | None = Field(default=None, description="Days until the API certificate expires.")
    heart_status: str | None = Field(default=None, examples=["Successed"])
    heart_time: str | None = Field(default=None, description="When it was probed, RFC 3339.")


class Cluster(ClusterPayload):
    """A cluster and its state. Source: `Cluster`, without its token and kubeconfig."""

    server: str | None = Field(default=None, examples=["https://10.0.0.1:6443"])
    status: ClusterStatus = ClusterStatus()


class Task(ClusterPayload):
    """A task definition. Only its controller's readiness is published so far."""

    model_config = ConfigDict(extra="allow")

    desc: str | None = None


class Pipeline(ClusterPayload):
    """A pipeline definition. Only its controller's readiness is published so far."""

    model_config = ConfigDict(extra="allow")

    desc: str | None = None


class TaskRunStep(Payload):
    """One step of a task on one node."""

    step_name: str | None = Field(default=None, examples=["count"])
    step_content: str | None = None
    step_output: str | None = Field(default=None, examples=["12\n"])
    step_status: str | None = Field(default=None, examples=["Successed"])


class TaskRunNodeStatus(Payload):
    """How a task went on one node. Source: one entry of the map `status.taskrunNodeStatus`."""

    node_name: str | None = Field(default=None, description="The key of the map.", examples=["node-a"])
    run_status: str | None = Field(default=None, examples=["Successed"])
    task_run_step: list[TaskRunStep] = []


class TaskRun(ClusterPayload):
    """How a task run went. Source: `TaskRun`."""

    task_ref: str | None = Field(default=None, examples=["alert-evicted-pods"])
    desc: str | None = None
    variables: dict[str, str] = {}
    run_status: str | None = Field(
        default=None, description="Successed, Failed, Running, Aborted, DataInValid or Dispatched.", examples=["Failed"]
    )
    start_time: str | None = Field(default=None, description="RFC 3339.")
    task_run_node_status: list[TaskRunNodeStatus] = []


class PipelineTaskStatus(Payload):
    """The state of the run that a pipeline's task made."""

    run_status: str | None = None
    task_run_node_status: list[TaskRunNodeStatus] = []


class PipelineTask(Payload):
    """One task of a pipeline run."""

    task_name: str | None = Field(default=None, description="The resource calls it `name`.", examples=["disk"])
    task_ref: str | None = None
    task_run_status: PipelineTaskStatus = PipelineTaskStatus()


class PipelineRun(ClusterPayload):
    """How a pipeline run went. Source: `PipelineRun`."""

    pipeline_ref: str | None = Field(default=None, examples=["nightly"])
    desc: str | None = None
    variables: dict[str, str] = {}
    run_status: str | None = Field(default=None, examples=["Successed"])
    start_time: str | None = Field(default=None, description="RFC 3339.")
    pipeline_run_status: list[PipelineTask] = []


class Kube(ClusterPayload):
    """An event of the Kubernetes API. Source: `events.k8s.io/v1`."""

    type: str | None = Field(default=None, examples=["Warning"])
    reason: str | None = Field(default=None, examples=["BackOff"])
    event_time: AwareDatetime | None = Field(default=None, description="The latest observation, RFC 3339.")
    from_: str | None = Field(default=None, alias="from", description="Who reported it.", examples=["kubelet"])
    message: str | None = Field(default=None, examples=["Back-off restarting failed container"])


class Webhook(ClusterPayload):
    """A text to pass on."""

    content: str | None = Field(default=None, examples=["disk is full on node-a"])
    source: str | None = None
    webhook_url: str | None = None


class TaskRunReport(ClusterPayload):
    """A finding that a task run reports."""

    host: str | None = Field(default=None, examples=["node-a"])
    kind: str | None = Field(default=None, examples=["disk"])
    threshold: str | None = Field(default=None, examples=["80%"])
    operator: str | None = Field(default=None, examples=[">"])
    value: str | None = Field(default=None, examples=["91%"])
    status: str | None = Field(default=None, examples=["alerting"])
    message: str | None = None
    time: str | None = None


class Notification(Payload):
    """A message to people. Fields that are not named here are kept."""

    model_config = ConfigDict(extra="allow")

    provider: str | None = Field(default=None, examples=["ksyun"])
    channel: str | None = Field(default=None, examples=["webhook"])
    severity: str | None = Field(default=None, description="debug < info < warning < error < critical.")
    message: str | None = None
    title: str | None = None
    timestamp: str | int | None = None


class Custom(Payload):
    """Any JSON object, kept as it was posted; its string field `type`, if any, names the event's type."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"message": "hello"}]})

    type: Any = Field(default=None, description="Names the event's type where it is a string.")
