"""The image, as far as its description tells: hadolint's rules, and those that we hold it to besides."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.deploy.dockerfile import DOCKERFILE, ROOT, read

TEXT = DOCKERFILE.read_text()
FILE = read(TEXT)
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "hadolint"
    command = [str(program), "--no-color", "--trusted-registry", "docker.io", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    found = hadolint(DOCKERFILE)
    assert (found.returncode, found.stdout) == (0, "")


def test_hadolint_looks_at_what_it_is_given(tmp_path: Path) -> None:
    worse = tmp_path / "Dockerfile"
    worse.write_text(re.sub(r"^FROM python:\S+$", "FROM python:latest", TEXT, flags=re.MULTILINE))
    assert "DL3007" in hadolint(worse).stdout


def test_every_stage_begins_with_one_exact_version_of_one_image_from_no_named_registry() -> None:
    bases = {FILE.base(stage) for stage in FILE.stages}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases.pop())


def test_a_digest_can_be_given_when_it_is_built() -> None:
    given = read(TEXT.replace("ARG PYTHON_DIGEST=\n", "ARG PYTHON_DIGEST=@sha256:abc\n"))
    assert all(given.base(stage).endswith("@sha256:abc") for stage in given.stages)


def test_it_runs_as_a_number_that_is_not_root() -> None:
    user, _, group = FILE.last.only("USER").value.partition(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000


def test_nothing_in_it_belongs_to_who_runs_it_but_the_data() -> None:
    copied = {instruction.words[-1]: instruction.flags for instruction in FILE.last.of("COPY")}
    owned = {target for target, flags in copied.items() if "chown" in flags}
    assert owned == {"/data"}
    assert all(flags["from"] == "build" for flags in copied.values()), "the last stage takes from the build only"


def test_the_last_stage_runs_nothing_so_that_no_tool_of_the_build_is_in_it() -> None:
    assert FILE.last.of("RUN") == []


def test_nothing_is_fetched_but_packages_by_their_hash() -> None:
    assert [i for i in FILE.instructions if i.name == "ADD"] == []
    assert not re.search(r"https?://|curl|wget|apt-get|git clone", "\n".join(i.value for i in FILE.instructions))
    fetching = [
        step
        for run in FILE.instructions
        if run.name == "RUN"
        for step in run.value.split(" && ")
        if re.search(r"\bpip\b.* (install|wheel|download) ", step) and "--no-index" not in step
    ]
    assert len(fetching) == 2
    assert all("--require-hashes" in step and "--only-binary=:all:" in step for step in fetching)


def test_the_build_starts_no_unpinned_package_of_its_own() -> None:
    """A build in isolation would fetch its tools by no hash at all."""
    built = [i for i in FILE.instructions if "--no-binary" in i.value]
    assert built
    assert all("--no-build-isolation" in i.value for i in built)


def test_it_starts_without_a_shell_and_is_told_to_end_by_a_signal_that_the_app_hears() -> None:
    assert FILE.last.only("ENTRYPOINT").exec_form == ["faststream", "run", "app.main:app"]
    assert FILE.last.only("CMD").exec_form == ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104 -- in a container
    assert FILE.last.only("STOPSIGNAL").value == "SIGTERM"


def test_it_leaves_health_to_who_asks_over_http() -> None:
    assert FILE.last.only("HEALTHCHECK").value == "NONE"


def test_it_says_what_it_is() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', FILE.last.only("LABEL").value))
    assert set(labels) == {"title", "description", "version", "revision"}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"ARG VERSION={version}\n" in TEXT


@pytest.mark.parametrize("instruction", ["ENV", "ARG"])
def test_no_secret_is_in_it(instruction: str) -> None:
    given = [i.value for i in FILE.instructions if i.name == instruction]
    assert given
    assert not re.search(r"TOKEN|SECRET|PASSWORD|KEY|CREDENTIAL", " ".join(given).upper())


def test_only_what_is_copied_reaches_the_builder() -> None:
    copied = {word for i in FILE.instructions if i.name == "COPY" and "from" not in i.flags for word in i.words[:-1]}
    assert IGNORED[IGNORED.index("*") - 1].startswith("#"), "first everything is ignored"
    assert {line.removeprefix("!") for line in IGNORED if line.startswith("!")} == copied
    assert all((ROOT / path).exists() for path in copied)


@pytest.mark.parametrize("path", [".env", ".git/config", ".data/secrets.key", "tests/app.py", "deploy/README.md"])
def test_what_lies_about_does_not(path: str) -> None:
    let_in = [line.removeprefix("!") for line in IGNORED if line.startswith("!")]
    assert not any(fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in let_in)
