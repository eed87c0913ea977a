"""Every manifest against the schemas of the Kubernetes API, the oldest that is supported and the newest, strictly."""

from __future__ import annotations

from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tests.deploy.manifests import Manifest, kustomized, needs_helm, needs_kustomize, profile, rendered
from tests.deploy.values import EVERYTHING

VERSIONS = ("1.28", "1.37")
OF_OTHERS = {"ServiceMonitor", "PrometheusRule"}  # of Prometheus' operator: no schema of Kubernetes'
PROFILES: dict[str, dict[str, Any]] = {
    "default": {},
    **{name: profile(name) for name in ("single", "split", "production")},
    "everything": EVERYTHING,
}
FOLDERS = (
    *(f"overlays/{name}" for name in ("all-in-one", "single", "split", "production")),
    "provision",
    "overlays/single/provision",
)


def valid(manifests: list[Manifest], version: str) -> int:
    """How many were held against a schema."""
    judged = [manifest for manifest in manifests if manifest["kind"] not in OF_OTHERS]
    for manifest in judged:
        kubernetes_validate.validate(manifest, version, strict=True)
    return len(judged)


@needs_helm
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PROFILES)
def test_what_the_chart_makes_is_valid(name: str, version: str) -> None:
    assert valid(rendered(PROFILES[name]), version) > 10


@needs_kustomize
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_kustomize_makes_is_valid(folder: str, version: str) -> None:
    assert valid(kustomized(folder), version) > 1


@needs_helm
@pytest.mark.parametrize("field", ["unknown", "replicas"])
def test_a_field_that_is_unknown_or_of_another_type_would_be_found(field: str) -> None:
    manifest = next(m for m in rendered() if m["kind"] == "Deployment")
    manifest["spec"][field] = "two"
    with pytest.raises(kubernetes_validate.ValidationError):
        valid([manifest], VERSIONS[-1])
