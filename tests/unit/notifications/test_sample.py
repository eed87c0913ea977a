"""The sample of receivers and routes in `docs/`: valid, without a warning, and it does what its comments say."""

from __future__ import annotations

import pytest

from app import notify_check
from tests.app import ROOT

SAMPLE = str(ROOT / "docs" / "notifications.yaml")


def test_the_sample_is_valid_and_nothing_in_it_is_hardly_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([SAMPLE]) == 0
    assert capsys.readouterr().out == f"{SAMPLE} is valid: 5 receivers, 5 routes\n"


@pytest.mark.parametrize(
    ("options", "receivers"),
    [
        (["--severity", "info", "--channel", "disk"], "operators"),
        (["--severity", "critical", "--data", '{"cluster": "staging"}'], "oncall"),
        (["--severity", "critical", "--data", '{"cluster": "prod"}'], "oncall, operators"),
        (["--severity", "warning", "--channel", "ceph", "--data", '{"cluster": "prod-eu"}'], "storage, tickets"),
        (
            [
                "--severity",
                "error",
                "--channel",
                "disk",
                "--data",
                '{"cluster": "prod", "labels": {"team": "platform"}}',
            ],
            "operators",
        ),
        (["--provider", "heartbeats", "--severity", "info"], "operators"),
        (["--provider", "status-page", "--severity", "error"], "managers"),
        (["--provider", "status-page", "--severity", "info"], "operators"),
    ],
)
def test_the_sample_routes_as_it_says(options: list[str], receivers: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify_check.main([SAMPLE, *options]) == 0
    assert f"reaches: {receivers}\n" in capsys.readouterr().out


def test_the_command_at_its_head_works(capsys: pytest.CaptureFixture[str]) -> None:
    head = (ROOT / "docs" / "notifications.yaml").read_text()
    assert "just notify-check docs/notifications.yaml --provider ksyun --severity critical --data" in head
    assert (
        notify_check.main([SAMPLE, "--provider", "ksyun", "--severity", "critical", "--data", '{"cluster": "prod"}'])
        == 0
    )
    assert "by cluster, wait 10s, interval 5m, repeat 4h, key cluster, host" in capsys.readouterr().out
