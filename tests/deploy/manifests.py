"""What is applied to a cluster: the chart as Helm renders it, and the same as kustomize does.

Helm is the program where one is on the PATH, else its own library, in a process of its own: it brings a Go runtime, and
half a second to start is why that process is kept.
"""

from __future__ import annotations

import atexit
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
    return list(_library("lint", json.dumps(values or {}), NAME))


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


def _library(what: str, values: str, release: str) -> Any:
    helm = _helm()
    assert helm.stdin
    assert helm.stdout
    print(json.dumps([what, json.loads(values), release]), file=helm.stdin, flush=True)
    outcome, answer = json.loads(helm.stdout.readline() or '["died", ""]')
    if outcome == "refused":
        raise ValueError(answer)
    assert outcome == "done", outcome
    return answer


@cache
def _helm() -> subprocess.Popen[str]:
    """The process, which ends with this one."""
    pipe, command = subprocess.PIPE, [sys.executable, __file__, str(CHART)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment)
    atexit.register(process.communicate)
    return process


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


def deployment(values: Mapping[str, Any] | None = None, name: str = "ops-events-all") -> Manifest:
    return named(rendered(values), "Deployment", name)


def pod(manifest: Manifest) -> dict[str, Any]:
    """The specification of the pods of a Deployment or a Job."""
    return dict(manifest["spec"]["template"]["spec"])


def secrets(workload: dict[str, Any]) -> dict[str, str]:
    """Which Secrets are mounted, by the name of the volume."""
    return {volume["name"]: volume["secret"]["secretName"] for volume in pod(workload).get("volumes", ())}


def environment(manifest: Manifest) -> dict[str, Any]:
    """The variables of its container: values, or the reference to a Secret."""
    (container,) = pod(manifest)["containers"]
    variables = {variable["name"]: variable for variable in container["env"]}
    assert len(variables) == len(container["env"]), "a variable is there twice"
    return {name: variable.get("value", variable.get("valueFrom")) for name, variable in variables.items()}


def _main(chart: str) -> None:
    """In a process of its own: a question a line comes in, an answer a line goes out."""
    import helm_python as helm  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 -- not on every platform

    for line in sys.stdin:
        what, values, release = json.loads(line)
        try:
            answer = ["done", _linted(helm, chart, values) if what == "lint" else _text(helm, chart, values, release)]
        except helm.HelmError as error:
            answer = ["refused", str(error)]
        print(json.dumps(answer), flush=True)


def _linted(helm: Any, chart: str, values: Mapping[str, Any]) -> list[str]:
    found = helm.lint(chart, values, strict=True)["messages"]
    return [str(message["error"]) for message in found if message["severity"] > 1]


def _text(helm: Any, chart: str, values: Mapping[str, Any], release: str) -> str:
    with helm.Chart.load(Path(chart)) as loaded:
        files = loaded.render(values, name=release, namespace=NAMESPACE)
    return "\n---\n".join(text for name, text in sorted(files.items()) if name.endswith(".yaml"))


if __name__ == "__main__":
    _main(*sys.argv[1:])
