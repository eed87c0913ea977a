from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import notify_check
from tests.app import ROOT

VALID = """\
receivers:
- {name: a, destination: {type: webhook, url: https://x.example/hunter2}}
routes:
- match: {severity: {atLeast: error}}
  receivers: [a]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "notify.yaml"
    file.write_text(VALID)
    return file


def test_a_valid_file_is_counted_and_warned_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(file)]) == 0
    assert "is valid: 1 receiver, 1 route\nwarning: line 1: the file: no default" in capsys.readouterr().out


def test_whom_a_notification_reaches_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(file), "--severity", "critical", "--data", '{"x": 1}']) == 0
    assert "reaches: a\n  a (webhook) by routes[0] (line 4): at once\n" in capsys.readouterr().out


def test_that_a_notification_reaches_nobody_is_an_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(file), "--severity", "info"]) == 1
    assert "reaches: nobody: it would be kept as unrouted\n" in capsys.readouterr().out


def test_the_default_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"{VALID}default: a\n")
    assert notify_check.main([str(file), "--severity", "info"]) == 0
    assert "reaches: a\n  a (webhook) by default: no route takes it: at once\n" in capsys.readouterr().out


def test_a_file_that_is_not_valid_is_an_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(VALID.replace("[a]", "[b]"))
    assert notify_check.main([str(file)]) == 1
    assert capsys.readouterr().err == (
        f"{file} is not valid:\nline 5: routes[0].receivers[0]: no receiver is called b\n"
    )


def test_groups_and_rates_are_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        f"{VALID}  group: {{by: [cluster], wait: 10s, repeat: 4h, key: [host], changes: true}}\n".replace(
            "hunter2}", "hunter2}, rate: {limit: 20, per: 1m}"
        )
    )
    assert notify_check.main([str(file), "--severity", "error"]) == 0
    assert capsys.readouterr().out.endswith(
        "  a (webhook) by routes[0] (line 4): in groups by cluster, wait 10s, interval 5m, repeat 4h, key host,"
        " changes only; at most 20 in 1m\n"
    )


def test_the_rate_of_a_service_is_shown_as_such(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(VALID.replace("webhook", "dingtalk"))
    assert notify_check.main([str(file), "--severity", "error"]) == 0
    assert "at once; at most 20 in 1m, as its service takes\n" in capsys.readouterr().out


def test_no_secret_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (VALID, VALID.replace("https", "ftp"), VALID.replace("webhook", "hunter3")):
        file.write_text(text)
        notify_check.main([str(file), "--severity", "error"])
        shown = capsys.readouterr()
        assert "hunter2" not in shown.out + shown.err


def test_it_runs_as_the_command_that_just_calls(file: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "app.notify_check",
        str(file),
        "--data",
        '{"cluster": "a b"}',
        "--severity",
        "error",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert (ended.returncode, "reaches: a" in ended.stdout) == (0, True), ended.stderr


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([str(tmp_path / "gone")]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["[]", "{"])
def test_data_that_is_no_object_is_wrong_usage(file: Path, data: str) -> None:
    with pytest.raises(SystemExit) as ended:
        notify_check.main([str(file), "--data", data])
    assert ended.value.code == 2
