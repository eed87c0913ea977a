"""The app with the packages of the image only, without rights, in folders that nobody can write to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.deploy.image import Image, linked, serving
from tests.servers import NatsServer, free_port


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        made = linked(Path(folder))
        made.close()
        yield made
        made.open()


def state(image: Image) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in image.files()}


def test_nothing_can_be_written_there_but_to_the_volume(image: Image) -> None:
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('x')"
    for path in (image.home / "x", image.home / "app/x", image.root / "opt/venv/x", image.root / "x"):
        assert "PermissionError" in image.run(["python", "-c", write, str(path)]).stderr
    assert image.run(["python", "-c", write, str(image.root / "data/x")]).returncode == 0


def test_what_is_for_development_is_not_there(image: Image) -> None:
    assert "No module named 'pytest'" in image.run(["python", "-c", "import pytest"]).stderr
    assert image.run(["python", "-c", "import app.settings"]).stderr == ""


async def test_it_provisions_and_serves_without_writing_anywhere(
    image: Image, nats_server: NatsServer, tmp_path: Path
) -> None:
    before = state(image)
    applied = image.run(["python", "-m", "streams", "apply"], EVENT_ENDPOINT=nats_server.url)
    assert applied.returncode == 0, applied.stderr
    given = {"EVENT_ENDPOINT": nats_server.url, "SERVER_TOKEN": "t" * 40, "KUBERNETES": "off"}
    async with serving(image, tmp_path, **given) as app, aiohttp.ClientSession() as session:
        url = f"{app.url}/api/v1/namespaces/default/events/x"
        async with session.post(url, json={}, headers={"Authorization": f"Bearer {'t' * 40}"}) as response:
            assert response.status == 200, await response.text()
        async with session.get(f"{app.url}/docs") as response:
            assert response.status == 200
    assert state(image) == before
    assert "Traceback" not in app.log


async def test_without_an_endpoint_it_needs_the_volume_and_nothing_else(image: Image, tmp_path: Path) -> None:
    before = state(image)
    async with serving(image, tmp_path, EMBEDDED_PORT=str(free_port())) as app:
        assert "Traceback" not in app.log
    changed = {path for path, when in state(image).items() if before.get(path) != when}
    assert changed
    assert all(path.startswith(str(image.root / "data")) for path in changed)
