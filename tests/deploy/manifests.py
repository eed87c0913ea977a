"""What is applied to a cluster: the chart as Helm renders it, and the same as kustomize does.

Helm is the program where one is on the PATH, else its own library, in a process of its own: it brings a Go runtime.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.dockerfile import ROOT

Manifest = dict[str, Any]

DEPLOY: Final = ROOT / "deploy"
CHART: Final = DEPLOY / "chart/ops-events"
KUSTOMIZE: Final = DEPLOY / "kustomize"
NAME: Final = "ops-events"
NAMESPACE: Final = "ops-system"
_SECONDS: Final = 60

needs_helm: Final = pytest.mark.skipif(
    not (shutil.which("helm") or find_spec("helm_python")),
    reason="no helm on the PATH, and no wheel of its library here",
)
needs_kustomize: Final = pytest.mark.skipif(
    not (shutil.which("kustomize") or shutil.which("kubectl")), reason="no kustomize and no kubectl on the PATH"
)


def rendered(values: Mapping[str, Any] | None = None, release: str = NAME) -> list[Manifest]:
    """The chart with these values in the place of its own.

    Raises:
        ValueError: Helm refuses the values; the message is Helm's.
    """
    return deepcopy(_rendered(json.dumps(values or {}), release))


def profile(name: str) -> dict[str, Any]:
    """Values that come with the chart."""
    return dict(yaml.safe_load((CHART / f"values/{name}.yaml").read_text()))


def lint(values: Mapping[str, Any] | None = None) -> list[str]:
    """What `helm lint --strict` has against the chart; advice is left out."""
    if program := shutil.which("helm"):
        done = _run([program, "lint", "--strict", str(CHART), "--values", "-"], json.dumps(values or {}))
        return [] if done.returncode == 0 else [done.stdout + done.stderr]
    return [str(found) for found in json.loads(_library("lint", json.dumps(values or {}), NAME))]


def kustomized(folder: str) -> list[Manifest]:
    """What `kubectl apply -k` would apply."""
    program = shutil.which("kustomize")
    command = [program, "build"] if program else [str(shutil.which("kubectl")), "kustomize"]
    return deepcopy(_kustomized(*command, str(KUSTOMIZE / folder)))


@cache
def _kustomized(*command: str) -> list[Manifest]:
    done = _run(command)
    assert done.returncode == 0, done.stderr
    return _documents(done.stdout)


@cache
def _rendered(values: str, release: str) -> list[Manifest]:
    if program := shutil.which("helm"):
        command = [program, "template", release, str(CHART), "--namespace", NAMESPACE, "--values", "-"]
        done = _run(command, values)
        if done.returncode != 0:
            raise ValueError(done.stderr)
        return _documents(done.stdout)
    return _documents(_library("render", values, release))


def _library(what: str, values: str, release: str) -> str:
    done = _run([sys.executable, __file__, what, str(CHART), release], values)
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return done.stdout


def _run(command: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, input=given, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS
    )


def _documents(text: str) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(text) if document]


def of_kind(manifests: Iterable[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def named(manifests: Iterable[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name)
    return found


def pod(manifest: Manifest) -> dict[str, Any]:
    """The specification of the pods of a Deployment or a Job."""
    return dict(manifest["spec"]["template"]["spec"])


def environment(manifest: Manifest) -> dict[str, Any]:
    """The variables of its container: values, or the reference to a Secret."""
    (container,) = pod(manifest)["containers"]
    variables = {variable["name"]: variable for variable in container["env"]}
    assert len(variables) == len(container["env"]), "a variable is there twice"
    return {name: variable.get("value", variable.get("valueFrom")) for name, variable in variables.items()}


def _main(what: str, chart: str, release: str) -> None:
    """In a process of its own: the values come in, YAML or JSON goes out."""
    import helm_python as helm  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 -- not on every platform

    values = json.load(sys.stdin)
    if what == "lint":
        severe = [
            found["error"] for found in helm.lint(chart, values, strict=True)["messages"] if found["severity"] > 1
        ]
        print(json.dumps(severe))
        return
    try:
        with helm.Chart.load(Path(chart)) as loaded:
            files = loaded.render(values, name=release, namespace=NAMESPACE)
    except helm.HelmError as error:
        sys.exit(str(error))
    print("\n---\n".join(text for name, text in sorted(files.items()) if name.endswith(".yaml")))


if __name__ == "__main__":
    _main(*sys.argv[1:])
