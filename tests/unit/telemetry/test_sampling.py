from __future__ import annotations

import pytest

from app.events.trace_context import TraceContext
from app.telemetry.sampling import SAMPLERS, Sampling, parse


def context(low: int, flags: str = "01") -> TraceContext:
    return TraceContext(f"00-{1:016x}{low:016x}-b7ad6b7169203331-{flags}")


def test_by_parent_who_sends_a_context_has_decided() -> None:
    nothing = parse("parentbased_always_off", "")
    assert nothing.takes(context(1))
    assert not nothing.takes(context(1, "00"))
    assert not nothing.takes(None)
    assert parse("parentbased_always_on", "").takes(None)


def test_else_the_id_decides_as_it_does_elsewhere() -> None:
    half = parse("traceidratio", "0.5")
    assert half.takes(context(2**63 - 1, "00"))
    assert not half.takes(context(2**63))
    assert not parse("always_off", "").takes(context(1))
    assert parse("always_on", "").takes(context(2**64 - 1, "00"))


def test_a_ratio_is_kept_to_where_nobody_has_decided() -> None:
    some = parse("parentbased_traceidratio", "0.1")
    assert 700 < sum(some.takes(None) for _ in range(10_000)) < 1_300


def test_ids_of_what_is_recorded_lie_where_others_record_them_too() -> None:
    some = Sampling(0.01)
    for _ in range(1_000):
        made = some.trace_id()
        assert 0 < made < 2**128
        assert made % 2**64 < some.bound
    assert Sampling(0.0).trace_id() % 2**64 == 1
    assert len({Sampling(1.0).trace_id() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(("sampler", "argument"), [("xray", ""), ("traceidratio", "2"), ("traceidratio", "a")])
def test_what_cannot_be_meant_is_refused_with_a_word(sampler: str, argument: str) -> None:
    with pytest.raises(ValueError, match=r"there is no sampler|takes a ratio"):
        parse(sampler, argument)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_of_the_standard_is_known(sampler: str) -> None:
    assert parse(sampler, "").by_parent == sampler.startswith("parentbased_")
