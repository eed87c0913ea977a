"""Values that set all there is to set."""

from __future__ import annotations

from typing import Any, Final

A_FILE: Final = {"name": "of-a-secret", "key": "file"}
EVERYTHING: Final[dict[str, Any]] = {
    "image": {"repository": "images.example.internal/ops-events", "tag": "1", "digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "pull"}],
    "cluster": "prod",
    "activeNamespace": "ops",
    "nats": {
        "credentials": {"name": "nats-app", "key": "app.creds"},
        "tls": {
            "ca": {"name": "authority", "key": "ca.pem"},
            "cert": {"name": "nats-tls", "key": "tls.crt"},
            "key": {"name": "nats-tls", "key": "tls.key"},
        },
        "edges": ["berlin", "tokyo"],
    },
    "provision": {"nkey": {"name": "nats-admin", "key": "admin.nk"}},
    "secrets": {
        "accessFile": {"name": "access", "key": "access.yaml"},
        "notificationsFile": {"name": "routes", "key": "routes.yaml"},
    },
    "groups": [
        {"name": "door", "roles": ["ingress"], "autoscaling": {"min": 2, "max": 4, "cpu": 60}},
        {"name": "eyes", "roles": ["watch"], "replicas": 1},
        {"name": "work", "roles": ["hooks", "notifications", "delivery"], "replicas": 3, "resources": {}},
    ],
    "signingKeys": {"namespaces": ["team-a", "team-b"]},
    "egress": {"allow": "private", "deny": "10.0.0.0/8"},
    "corsOrigins": "https://ops.example.com",
    "canarySeconds": 0,
    "log": {"format": "json", "level": "warning"},
    "tracing": {"endpoint": "http://collector:4318", "sampler": "parentbased_traceidratio", "samplerArg": 0.01},
    "service": {"type": "LoadBalancer", "port": 8443, "annotations": {"a": "b"}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "alerts": {"enabled": True, "labels": {"release": "prometheus"}, "runbooks": "https://git.example.com/runbooks/"},
    "dashboard": {"enabled": True, "annotations": {"grafana_folder": "Ops"}},
    "networkPolicy": {"clients": [{"podSelector": {"matchLabels": {"app": "gateway"}}}]},
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "ops", "operator": "Exists"}],
    "affinity": {"podAffinity": {}},
    "priorityClassName": "high",
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "extraVolumes": [{"name": "more", "secret": {"secretName": "more"}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/etc/more", "readOnly": True}],
}
