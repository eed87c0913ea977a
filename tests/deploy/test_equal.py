"""The chart and the kustomize folders say the same: each profile of the one against an overlay of the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import (
    KUSTOMIZE,
    Manifest,
    kustomized,
    needs_helm,
    needs_kustomize,
    profile,
    rendered,
)

PAIRS = {
    "": ("overlays/all-in-one", "provision"),
    "single": ("overlays/single", "overlays/single/provision"),
    "split": ("overlays/split", "provision"),
    "production": ("overlays/production", "provision"),
}
OF_HELM = {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
FILES_OF_TLS = {"ca": "ca.crt", "cert": "tls.crt", "key": "tls.key"}
COMPONENTS: dict[str, dict[str, Any]] = {
    "nats-tls": {
        "nats": {"tls": {name: {"name": "ops-events-nats-tls", "key": key} for name, key in FILES_OF_TLS.items()}}
    },
    "nats-nkey": {
        "nats": {"nkey": {"name": "ops-events-nats", "key": "user.nk"}},
        "provision": {"nkey": {"name": "ops-events-nats-provision", "key": "user.nk"}},
    },
    "tracing": {"tracing": {"endpoint": "http://otel-collector.monitoring.svc:4318"}},
}
UNORDERED = ("env", "volumes", "volumeMounts")  # what refers to what goes by name


def normalised(manifests: Iterable[Manifest]) -> dict[tuple[str, str, str], Manifest]:
    """By kind, namespace and name, without what only Helm writes."""
    found = [plain(manifest) for manifest in manifests]
    keys = [(m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]) for m in found]
    assert len(set(keys)) == len(keys), "something is there twice"
    return dict(zip(keys, found, strict=True))


def plain(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    labels = {name: value for name, value in metadata.get("labels", {}).items() if name not in OF_HELM}
    annotations = {n: v for n, v in metadata.get("annotations", {}).items() if not n.startswith("helm.sh/hook")}
    if manifest["kind"] == "CustomResourceDefinition":
        labels = {}  # one file for both, which the chart takes as it is
    return dict(ordered({**manifest, "metadata": {**metadata, "labels": labels, "annotations": annotations}}))


def ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: ordered(inner) for name, inner in value.items()} | {
            name: sorted(value[name], key=lambda item: item["name"]) for name in UNORDERED if value.get(name)
        }
    return [ordered(item) for item in value] if isinstance(value, list) else value


@needs_helm
@needs_kustomize
@pytest.mark.parametrize(("name", "folders"), PAIRS.items())
def test_a_profile_of_the_chart_and_its_overlay_are_the_same(name: str, folders: Sequence[str]) -> None:
    same(rendered(profile(name) if name else None), [one for folder in folders for one in kustomized(folder)])


@needs_helm
@needs_kustomize
@pytest.mark.parametrize(("name", "values"), COMPONENTS.items())
def test_a_component_says_what_the_values_of_the_chart_say(
    name: str, values: Mapping[str, Any], tmp_path: Path
) -> None:
    def at(folder: str) -> str:
        return os.path.relpath(KUSTOMIZE / folder, tmp_path)

    resources = [at("overlays/all-in-one"), at("provision")]
    overlay = {"resources": resources, "components": [at(f"components/{name}")]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    same(rendered(values), kustomized(str(tmp_path)))


def same(of_the_chart: Iterable[Manifest], of_kustomize: Iterable[Manifest]) -> None:
    ours, theirs = normalised(of_the_chart), normalised(of_kustomize)
    assert ours.keys() == theirs.keys()
    for key, manifest in ours.items():
        assert yaml.safe_dump(manifest) == yaml.safe_dump(theirs[key]), key
