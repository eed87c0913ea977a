"""What the environment says about logs, traces and the canary."""

from __future__ import annotations

import logging

import pytest

from app import settings
from app.errors import ConfigurationError
from app.telemetry.logs import LogSettings
from app.telemetry.sampling import Sampling

ENDPOINT = "http://collector:4318"


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> settings.Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return settings.load()


def nothing(_: str) -> None: ...


def test_traces_are_off_unless_somebody_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch).sampling is None
    assert load(monkeypatch, OTEL_EXPORTER_OTLP_ENDPOINT=ENDPOINT).sampling == Sampling(1.0)
    assert load(monkeypatch, OTEL_SDK_DISABLED="true").sampling is None
    assert load(monkeypatch, OTEL_SDK_DISABLED="false", OTEL_TRACES_EXPORTER="none").sampling is None


def test_which_traces_are_recorded_is_said_by_the_standard_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    ratio = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    found = load(monkeypatch, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{ENDPOINT}/v1/traces", **ratio)
    assert found.sampling == Sampling(0.25, by_parent=False)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"CANARY_SECONDS": "0.5"}, "CANARY_SECONDS: must be 1 to 100 seconds, or 0"),
        ({"CANARY_SECONDS": "101"}, "CANARY_SECONDS: must be 1 to 100 seconds, or 0"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT: Input should be 'json' or 'text'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: Input should be"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_TRACES_SAMPLER": "xray"}, "OTEL_TRACES_SAMPLER: there is no"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: Input should be 'http/protobuf'"),
    ],
)
def test_what_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load(monkeypatch, **environment)


def test_the_log_is_as_the_environment_says_and_knows_what_must_not_stand_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load(monkeypatch).log_settings(nothing) == LogSettings(count=nothing)
    found = load(
        monkeypatch,
        LOG_FORMAT="JSON",
        LOG_LEVEL="WARNING",
        SERVER_TOKEN="t0ken",
        EVENT_ENDPOINT="nats://ops:s3cret@a:4222,nats://t0k@b:4222",
    ).log_settings(nothing)
    assert found == LogSettings("json", logging.WARNING, ("t0ken", "s3cret", "t0k"), nothing)
