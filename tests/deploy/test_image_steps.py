"""The steps of the Dockerfile, taken here: packages fetched by their hashes, compiled, and the app run from them.

It fetches every package again, so that it runs where it is asked for: `just image-steps`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.dockerfile import DOCKERFILE, ROOT, Instruction, read
from tests.deploy.image import Image, serving
from tests.deploy.test_image import state
from tests.servers import NatsServer

pytestmark = [
    pytest.mark.skipif("IMAGE_STEPS" not in os.environ, reason="fetches every package again: just image-steps"),
    pytest.mark.timeout(600),
]

_FOLDERS = ("/build", "/opt/venv", "/srv", "/data")


@pytest.fixture(scope="module")
def built() -> Iterator[Image]:
    with tempfile.TemporaryDirectory(prefix="steps-") as folder:
        root = Path(folder)
        base = root / "base"  # what the base image has: a Python of its own, with pip
        subprocess.run([sys.executable, "-m", "venv", str(base)], check=True)
        (root / "opt").mkdir()
        (root / "build").mkdir()
        for instruction in read(DOCKERFILE.read_text()).stages[0].instructions:
            _take(instruction, root)
        image = Image(root)
        image.close()
        yield image
        image.open()


def _take(instruction: Instruction, root: Path) -> None:
    if instruction.name == "COPY":
        *sources, target = instruction.words
        for source in sources:
            _copy(ROOT / source, root / "build" if target == "./" else Path(f"{root}{target}"))
    elif instruction.name == "RUN":
        command = _moved(instruction.value, root)
        environment = {**os.environ, "PATH": f"{root}/base/bin:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-euc", command], cwd=root / "build", env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _moved(command: str, root: Path) -> str:
    for folder in _FOLDERS:
        command = command.replace(f" {folder}", f" {root}{folder}")
    return command


def test_the_environment_holds_no_pip_no_compiler_and_no_package_of_development(built: Image) -> None:
    programs = {path.name for path in (built.root / "opt/venv/bin").iterdir()}
    assert "faststream" in programs
    assert not programs & {"pip", "pip3", "gcc", "pytest", "ruff", "mypy"}


def test_what_the_app_imports_is_compiled(built: Image) -> None:
    assert list((built.home / "app/__pycache__").glob("main.*.pyc"))
    packages = built.root / "opt/venv/lib/python3.11/site-packages"
    assert list((packages / "aiohttp/__pycache__").glob("*.pyc"))
    assert not list((packages / "kubernetes/client/models").rglob("*.pyc"))


async def test_it_provisions_and_serves_without_writing_anywhere(
    built: Image, nats_server: NatsServer, tmp_path: Path
) -> None:
    before = state(built)
    applied = built.run(["python", "-m", "streams", "apply"], EVENT_ENDPOINT=nats_server.url)
    assert applied.returncode == 0, applied.stderr
    async with serving(built, tmp_path, EVENT_ENDPOINT=nats_server.url, KUBERNETES="off") as app:
        assert "Traceback" not in app.log
    assert state(built) == before
