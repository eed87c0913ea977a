"""Hooks whose keywords take too long: rest, and after several times the fuse blows."""

from __future__ import annotations

from app.hooks.matching.fuse import OVERRUNS, REST, REST_BLOWN, WITHIN, Fuse

START = 1000.0


def test_a_new_fuse_neither_rests_nor_is_strained() -> None:
    assert not Fuse().rests(START)
    assert not Fuse().strained


def test_after_an_overrun_it_rests_for_a_while() -> None:
    fuse = Fuse()
    assert not fuse.overrun(START)

    assert fuse.strained
    assert fuse.rests(START + REST - 1)
    assert not fuse.rests(START + REST)


def test_several_overruns_in_time_blow_it_once() -> None:
    fuse = Fuse()
    blown = [fuse.overrun(START + number * REST) for number in range(OVERRUNS)]

    assert blown == [False] * (OVERRUNS - 1) + [True]
    last = START + (OVERRUNS - 1) * REST
    assert fuse.rests(last + REST_BLOWN - 1)
    assert not fuse.rests(last + REST_BLOWN)
    assert not fuse.overrun(last + REST_BLOWN), "the count begins anew"


def test_overruns_far_apart_do_not_blow_it() -> None:
    fuse = Fuse()
    apart = WITHIN / (OVERRUNS - 1) + 1

    assert not any(fuse.overrun(START + number * apart) for number in range(50))


def test_the_newest_overruns_count() -> None:
    fuse = Fuse()
    times = [START, *(START + WITHIN + number * REST for number in range(OVERRUNS))]

    assert [fuse.overrun(now) for now in times] == [False] * OVERRUNS + [True]


def test_searches_that_were_under_way_already_count_as_one() -> None:
    fuse = Fuse()

    assert not any(fuse.overrun(START + number) for number in range(2 * OVERRUNS))


def test_a_mended_fuse_is_as_new() -> None:
    fuse = Fuse()
    for number in range(OVERRUNS):
        fuse.overrun(START + number * REST)
    fuse.mend()

    assert not fuse.rests(START)
    assert not fuse.strained
