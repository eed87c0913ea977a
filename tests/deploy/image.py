"""What the image holds, laid out in a folder, and run as the image is: no rights, and nothing that can be written."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tests.app import App
from tests.deploy.dockerfile import DOCKERFILE, ROOT, read
from tests.deploy.test_requirements import pinned

_WORLD = ("/usr/bin", "/bin")  # where the system's own programs are

# Root may write where nobody may: as it is in the image, it must lose that right first.
_POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


@dataclass
class Image:
    """A root folder with `opt/venv`, `srv` and `data`, as the last stage copies them."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "srv"

    def environment(self, **given: str) -> dict[str, str]:
        """What the image sets, with its folders moved here."""
        stage = read(DOCKERFILE.read_text()).last
        pairs = (word.partition("=") for word in stage.only("ENV").words)
        system = os.pathsep.join(_WORLD)
        values = {name: value.replace("${PATH}", system) for name, _, value in pairs}
        moved = {name: self.moved(value) for name, value in values.items()}
        return {**moved, "TMPDIR": str(self.root / "nowhere"), **given}

    def moved(self, text: str) -> str:
        for folder in ("/opt/venv", "/srv", "/data"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text

    def close(self) -> None:
        """Take the right to write from everything but the volume."""
        for path in self.files():
            if not path.is_symlink() and self.root / "data" not in (path, *path.parents):
                path.chmod(path.stat().st_mode & ~0o222)

    def open(self) -> None:
        for folder in (self.root, *(path for path in self.files() if path.is_dir() and not path.is_symlink())):
            folder.chmod(0o755)

    def files(self) -> Iterator[Path]:
        yield self.root
        yield from self.root.rglob("*")

    def program(self, name: str) -> str:
        return str(self.root / "opt/venv/bin" / name)

    def command(self, *words: str) -> list[str]:
        return [*(_POWERLESS if os.geteuid() == 0 else ()), *words]

    def run(self, words: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(self.program(words[0]), *words[1:]),
            cwd=self.home,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def linked(root: Path) -> Image:
    """The image, its environment made of links to those packages of this one that it is to hold."""
    venv, packages = root / "opt/venv", root / "opt/venv/lib/python3.11/site-packages"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    for name in pinned("deploy/requirements.txt"):
        _link(name, packages, venv / "bin")
    for folder in ("app", "streams"):
        shutil.copytree(ROOT / folder, root / "srv" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "data").mkdir()
    return Image(root)


def _link(name: str, packages: Path, programs: Path) -> None:
    """The package's files; scripts name their Python in the first line, and are written anew."""
    try:
        files = metadata.distribution(name).files or ()
    except metadata.PackageNotFoundError:  # of another platform
        return
    for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
        target = packages / top
        if not target.exists():
            target.symlink_to(Path(str(metadata.distribution(name).locate_file(top))))
    for file in files:
        if file.parent.name == "bin":
            _install(Path(str(metadata.distribution(name).locate_file(file))), programs)


def _install(program: Path, programs: Path) -> None:
    content = program.resolve().read_bytes()
    old = str(Path(sys.executable)).encode()
    copy = programs / program.name
    copy.write_bytes(content.replace(old, str(programs / "python").encode(), 1) if content[:2] == b"#!" else content)
    copy.chmod(0o755)


@asynccontextmanager
async def serving(image: Image, log: Path, **environment: str) -> AsyncIterator[App]:
    """The app as the image's entry point starts it; its output goes to a folder outside."""
    app = App(log, environment)
    words = [*read(DOCKERFILE.read_text()).last.only("ENTRYPOINT").exec_form, "--port", str(app.port)]
    with (log / "app.log").open("ab") as output:
        app.process = await asyncio.create_subprocess_exec(
            *image.command(image.program(words[0]), *words[1:]),
            cwd=image.home,
            env=image.environment(**environment),
            stdout=output,
            stderr=output,
        )
    try:
        await app.wait_until_ready(60)
        yield app
    finally:
        await app.stop()
