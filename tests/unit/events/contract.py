"""The contract's lists of fields, as full examples of each payload: every name stands here exactly as on the wire."""

from __future__ import annotations

from typing import Any, Final

NODES: Final[list[dict[str, Any]]] = [
    {
        "nodeName": "node-a",
        "runStatus": "Successed",
        "taskRunStep": [
            {"stepName": "count", "stepContent": "wc -l", "stepOutput": "12\n", "stepStatus": "Successed"},
        ],
    },
]

# Section 3 of the contract: these fields and no others.
FIXED: Final[dict[str, dict[str, Any]]] = {
    "Controller": {"cluster": "default", "kind": "Hosts", "status": "setup"},
    "Host": {
        "cluster": "default",
        "address": "10.0.0.11",
        "port": 22,
        "username": "root",
        "status": {
            "hostname": "node-a",
            "kernelVersion": "5.15.0-91-generic",
            "distribution": "ubuntu",
            "arch": "x86_64",
            "diskTotal": "271G",
            "diskUsagePercent": "31%",
            "cpuTotal": "32",
            "cpuLoad1": "1.94",
            "cpuUsagePercent": "36.90%",
            "memTotal": "125Gi",
            "memUsagePercent": "42.87%",
            "acceleratorVendor": "NVIDIA",
            "acceleratorModel": "A100-SXM4-80GB",
            "acceleratorCount": "8",
            "heartStatus": "Successed",
            "heartTime": "2026-11-23T04:49:36Z",
        },
    },
    "Cluster": {
        "cluster": "default",
        "server": "https://10.0.0.1:6443",
        "status": {
            "uid": "dd735117-762e-4474-926a-1d70a2922cbc",
            "version": "v1.36.2",
            "node": 12,
            "pod": 431,
            "runningPod": 425,
            "certNotAfterDays": 298,
            "heartStatus": "Successed",
            "heartTime": "2026-11-23T04:49:36Z",
        },
    },
    "TaskRun": {
        "cluster": "default",
        "taskRef": "alert-evicted-pods",
        "desc": "clean evicted pods",
        "variables": {"threshold": "10"},
        "runStatus": "Failed",
        "startTime": "2026-11-23T04:49:26Z",
        "taskRunNodeStatus": NODES,
    },
    "PipelineRun": {
        "cluster": "default",
        "pipelineRef": "nightly",
        "desc": "nightly checks",
        "variables": {"TIME": "1795409366582186"},
        "runStatus": "Successed",
        "startTime": "2026-11-23T01:00:00Z",
        "pipelineRunStatus": [
            {
                "taskName": "disk",
                "taskRef": "check-disk",
                "taskRunStatus": {"runStatus": "Successed", "taskRunNodeStatus": NODES},
            },
        ],
    },
    "Kube": {
        "cluster": "default",
        "type": "Warning",
        "reason": "BackOff",
        "eventTime": "2026-11-23T04:50:41Z",
        "from": "kubelet",
        "message": "Back-off restarting failed container",
    },
    "Notification": {
        "provider": "ksyun",
        "channel": "webhook",
        "severity": "error",
        "message": "disk is full",
        "title": "disk",
        "timestamp": "2026-11-23T04:50:41Z",
    },
    "TaskRunReport": {
        "cluster": "default",
        "host": "node-a",
        "kind": "disk",
        "threshold": "80%",
        "operator": ">",
        "value": "91%",
        "status": "alerting",
        "message": "disk is nearly full",
        "time": "2026-11-23T04:50:41Z",
    },
}

# Types whose fields the contract leaves open, in part or in whole.
OPEN: Final[dict[str, dict[str, Any]]] = {
    "Task": {"cluster": "default", "desc": "counts evicted pods"},
    "Pipeline": {"cluster": "default", "desc": "nightly checks"},
    "Webhook": {"cluster": "default", "content": "disk is full on node-a"},
    "Default": {"message": "hello", "type": "Greeting", "nested": {"a": [1, 2.5, None], "b": {"c": True}}},
}

EXAMPLES: Final = {**FIXED, **OPEN}
