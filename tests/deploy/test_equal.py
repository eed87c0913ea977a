"""The chart and the kustomize folders say the same: each profile of the one against an overlay of the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import Manifest, kustomized, needs_helm, needs_kustomize, profile, rendered

PAIRS = {
    "": ("overlays/all-in-one", "provision"),
    "single": ("overlays/single", "overlays/single/provision"),
    "split": ("overlays/split", "provision"),
    "production": ("overlays/production", "provision"),
}
OF_HELM = {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
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
    ours = normalised(rendered(profile(name) if name else None))
    theirs = normalised([manifest for folder in folders for manifest in kustomized(folder)])
    assert ours.keys() == theirs.keys()
    for key, manifest in ours.items():
        assert yaml.safe_dump(manifest) == yaml.safe_dump(theirs[key]), key
