"""The watched file of receivers and routes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.errors import ConfigurationError, InvalidResourceError, UnavailableError
from app.jetstream.ending import end
from app.notifications.receivers import InForce
from app.notifications.routing.configuration import MAX_BYTES, Configuration, parse
from app.notifications.routing.file import ConfigurationFile

A, B, BROKEN = (
    f"receivers: [{{name: {name}, destination: {{type: slack, url: 'https://x/s3cret'}}}}]" for name in "ab-"
)


class Kept:
    """Receivers as they are in force, and how often they were put there."""

    def __init__(self, configuration: Configuration | None = None) -> None:
        self.configuration = configuration
        self.puts: list[str] = []
        self.expects = True
        self.error: Exception | None = None

    async def complete(self) -> None:
        """It is."""

    def kept(self) -> InForce | None:
        return None if self.configuration is None else InForce(self.configuration, 1)

    async def keep(self, configuration: Configuration) -> InForce:
        if self.error is not None:
            raise self.error
        self.configuration = configuration
        self.puts.append(configuration.receivers[0].name)
        return InForce(configuration, 1)


class Watched:
    """A file that is watched while a test goes on."""

    def __init__(self, path: Path, kept: Kept | None = None) -> None:
        self.kept = kept or Kept()
        self.file = ConfigurationFile(path, seconds=0.005)

    async def __aenter__(self) -> Kept:
        self.task = asyncio.create_task(self.file.follow(self.kept))  # type: ignore[arg-type] # a double
        return self.kept

    async def __aexit__(self, *_: object) -> None:
        assert not self.task.done()
        await end((self.task,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(A)
    return path


def write(path: Path, text: str | bytes) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def remove(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink()


def make_a_folder_of(path: Path) -> None:
    path.mkdir()


async def until(kept: Kept, *puts: str) -> None:
    async with asyncio.timeout(20):
        while kept.puts != [*puts]:  # noqa: ASYNC110 -- a test asks from outside
            await asyncio.sleep(0.005)


async def looks() -> None:
    """Let it look a few times."""
    await asyncio.sleep(0.1)


async def logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async with asyncio.timeout(20):
        while text not in caplog.text:  # noqa: ASYNC110 -- a test asks from outside
            await asyncio.sleep(0.005)


async def test_a_file_is_in_force_from_the_start_and_whenever_it_changes(path: Path) -> None:
    async with Watched(path) as kept:
        await until(kept, "a")
        assert not kept.expects
        write(path, B)
        await until(kept, "a", "b")


async def test_what_is_in_force_already_is_not_put_there_again(path: Path) -> None:
    async with Watched(path, Kept(parse(A.encode()))) as kept:
        async with asyncio.timeout(20):
            while kept.expects:  # noqa: ASYNC110 -- a test asks from outside
                await asyncio.sleep(0.005)
        write(path, f"# a comment\n{A}")
        await looks()
        assert kept.puts == []


async def test_links_that_are_swapped_as_kubernetes_does_are_seen(tmp_path: Path) -> None:
    for name, text in (("one", A), ("two", B)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "routes.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "routes.yaml").symlink_to("..data/routes.yaml")
    async with Watched(tmp_path / "routes.yaml") as kept:
        await until(kept, "a")
        (tmp_path / "..data_tmp").symlink_to("two")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await until(kept, "a", "b")


async def test_a_broken_file_changes_nothing_is_told_once_and_may_be_mended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Watched(path) as kept:
        await until(kept, "a")
        write(path, BROKEN)
        await logged(caplog, "line 1: receivers[0].name: must be 1 to 63 letters")
        await looks()
        assert (kept.puts, len(caplog.records)) == (["a"], 1)
        assert "what was in force stays so" in caplog.text
        write(path, A)
        await looks()
        write(path, B)
        await until(kept, "a", "b")
    assert "s3cret" not in caplog.text


async def test_a_file_that_goes_is_told_once_and_may_come_back(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Watched(path) as kept:
        await until(kept, "a")
        remove(path)
        await logged(caplog, "routes.yaml: cannot be read: No such file or directory; what was in force stays so")
        await looks()
        make_a_folder_of(path)
        await logged(caplog, "Is a directory")
        await looks()
        assert len(caplog.records) == 2
        remove(path)
        write(path, B)
        await until(kept, "a", "b")


@pytest.mark.parametrize("text", [b"#" * (MAX_BYTES + 1), b"\xff", b"\0", b"[" * 100_000, b"{{" * 100_000])
async def test_what_can_be_no_configuration_ends_nothing(
    path: Path, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with Watched(path) as kept:
        await until(kept, "a")
        write(path, text)
        await logged(caplog, "the file: ")
        write(path, B)
        await until(kept, "a", "b")


async def test_it_is_tried_again_while_jetstream_is_away(path: Path) -> None:
    kept = Kept()
    kept.error = UnavailableError("away")
    async with Watched(path, kept):
        await looks()
        assert (kept.puts, kept.expects) == ([], True)
        kept.error = None
        await until(kept, "a")


async def test_what_is_too_large_to_be_kept_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    kept.error = InvalidResourceError([])
    async with Watched(path, kept):
        await logged(caplog, "what was in force stays so")
        await looks()
        assert (len(caplog.records), kept.puts) == (1, [])


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "cannot be read: No such file or directory"), (BROKEN, r"line 1: receivers\[0\]\.name: must be 1 to 63")],
)
def test_without_a_valid_file_nothing_starts(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "routes.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=f"NOTIFICATIONS_FILE: {path}: {why}"):
        ConfigurationFile(path)
