"""Which edges a hub takes over, and how that is compared with a server."""

from __future__ import annotations

import pytest
from nats.js.api import ExternalStream, StreamSource

from streams import edges
from streams.check import check
from streams.plan import Action, compare
from streams.topology import topology
from tests.unit.streams.actual import server

OTHER = StreamSource(name="audit", external=ExternalStream(api="$JS.audit.API"))


def test_names_are_parted_by_commas() -> None:
    assert edges.parse(" edge1, tokyo-2 ,") == ("edge1", "tokyo-2")
    assert edges.parse("") == ()


@pytest.mark.parametrize("text", ["a.b", "a b", "*", ">", "a_b", "-a", "a" * 64, "$SYS"])
def test_a_name_that_is_no_domain_and_no_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and -"):
        edges.parse(f"edge1,{text}")


def test_a_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="edge1: stands there twice"):
        edges.parse("edge1,edge2,edge1")


def test_a_hub_is_sound_and_gives_each_edge_its_own_name() -> None:
    wanted = topology(3, ["edge1", "edge2"])
    assert check(wanted) == []
    assert [source.external and source.external.api for source in wanted.streams[0].sources or ()] == [
        "$JS.edge1.API",
        "$JS.edge2.API",
    ]
    for edge, source in zip(("edge1", "edge2"), wanted.streams[0].sources or (), strict=True):
        renamed = {each.src: each.dest for each in source.subject_transforms or ()}
        assert renamed["ops.clusters.*.>"] == f"ops.clusters.{edge}.>"


def test_a_server_that_stands_alone_takes_over_nothing() -> None:
    assert topology(1).streams[0].sources is None


def test_what_is_as_wanted_is_no_difference_in_whatever_order() -> None:
    live = server(ops={"sources": edges.sources(["edge2", "edge1"])})
    assert compare(topology(1, ["edge1", "edge2"]), live) == ()


def test_a_new_edge_is_added_safely() -> None:
    [change] = compare(topology(1, ["edge1", "edge2"]), server(ops={"sources": edges.sources(["edge1"])}))
    assert (change.action, change.loses_data) == (Action.UPDATE, False)
    assert [difference.field for difference in change.differences] == ["sources"]


@pytest.mark.parametrize("wanted", [[], ["edge2"]])
def test_an_edge_that_is_left_out_is_a_loss_and_the_reason_says_how_to_keep_it(wanted: list[str]) -> None:
    [change] = compare(topology(1, wanted), server(ops={"sources": edges.sources(["edge1", "edge2"])}))
    assert change.loses_data
    assert "edge1" in change.reasons[0]
    assert "EVENT_EDGES" in change.reasons[0]


def test_a_source_that_lets_an_edge_use_other_names_is_a_difference() -> None:
    [source] = edges.sources(["edge1"]) or []
    source.subject_transforms = None
    [change] = compare(topology(1, ["edge1"]), server(ops={"sources": [source]}))
    assert [difference.field for difference in change.differences] == ["sources"]
    assert not change.loses_data


def test_sources_of_an_operator_are_left_alone() -> None:
    assert compare(topology(1), server(ops={"sources": [OTHER]})) == ()
    assert edges.others([OTHER, *(edges.sources(["edge1"]) or [])]) == [OTHER]
