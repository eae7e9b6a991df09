"""The knowledge graph's answers, on a graph worked out by hand; its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_graph import NAMES, TRIPLES, small_graph

from ecr_engine.data.knowledge.graph import GraphCounts, KnowledgeGraph, Shared
from ecr_engine.errors import DataError, ExitCode

REMAKE = "make it again: ecrctl data process SOURCE --output DIR --knowledge FOLDER"


def test_related_goes_from_director_to_stars_to_genres_best_known_people_and_rarest_genres_first() -> None:
    graph = small_graph()
    assert graph.related("11", 9) == ("Michael Mann", "Al Pacino", "Robert De Niro", "crime", "drama")
    assert graph.related("33", 2) == ("Sidney Lumet", "Al Pacino")
    assert graph.related("99", 4) == ()


def test_a_writer_comes_after_the_stars_and_an_unranked_relation_last() -> None:
    graph = KnowledgeGraph(
        names=("Heat (1995)", "USA", "Ann Ray", "Bob Day", "Cy Fox"),
        kinds=("movie", "", "person", "person", "person"),
        relations=("country", "writer", "music composer", "starring"),
        triples=((0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 3, 4)),
        items={"1": 0},
    )
    assert graph.related("1", 9) == ("Cy Fox", "Ann Ray", "Bob Day", "USA")


def test_triples_tell_each_relation_once_before_any_a_second_time() -> None:
    assert small_graph().triples("11", 9) == (
        ("director", "Michael Mann"),
        ("genre", "crime"),
        ("star", "Al Pacino"),
        ("writer", "Michael Mann"),
        ("genre", "drama"),
        ("star", "Robert De Niro"),
    )
    assert small_graph().triples("11", 2) == (("director", "Michael Mann"), ("genre", "crime"))
    assert small_graph().triples("99", 2) == ()


def test_equal_entities_keep_the_order_of_their_source() -> None:
    arguments = {"kinds": ("movie", "person", "person"), "relations": ("star",), "items": {"1": 0}}
    triples = ((0, 0, 2), (0, 0, 1))
    assert small_graph(names=("M", "Zoe A", "Abe B"), triples=triples, **arguments).related("1", 2) == (
        "Zoe A",
        "Abe B",
    )


def test_shared_entities_come_rarest_first_with_both_sides_relations() -> None:
    graph = small_graph()
    assert graph.shared("11", "22") == (
        Shared("Michael Mann", ("director", "writer"), ("director",)),
        Shared("drama", ("genre",), ("genre",)),
    )
    assert graph.shared("11", "99") == ()


def test_near_weighs_rare_entities_more() -> None:
    # Shared: Mann 1/ln 3 and drama 1/ln 4. All: those, Pacino 1/ln 3, and De Niro, crime and Smith 1/ln 2 each.
    # (0.910239 + 0.721348) / (2 * 0.910239 + 0.721348 + 3 * 1.442695) = 1.631587 / 6.869911
    graph = small_graph()
    assert graph.near("11", "22") == pytest.approx(0.237498, abs=1e-6)
    assert graph.near("22", "11") == graph.near("11", "22")


def test_near_is_1_for_the_same_movie_under_another_id_and_0_where_nothing_is_shared() -> None:
    alone = small_graph(triples=((0, 0, 9), (1, 0, 8)))
    assert (alone.near("11", "12"), alone.near("11", "22"), alone.near("11", "99")) == (1.0, 0.0, 0.0)


def test_a_triple_between_two_movies_makes_them_near() -> None:
    # Each belongs to its own surroundings, so both movies are all there is, and shared.
    linked = small_graph(triples=((0, 0, 1), (1, 0, 8)))
    # Heat has 1 neighbour, Ali 2, drama 1: (1/ln 2 + 1/ln 3) / (1/ln 2 + 1/ln 3 + 1/ln 2)
    assert linked.near("11", "22") == pytest.approx(0.619906, abs=1e-6)


def test_lookups_by_name_and_id() -> None:
    graph = small_graph()
    assert graph.neighbours("Michael Mann") == ("Heat (1995)", "Ali (2001)")
    assert graph.neighbours("Nobody") == ()
    assert graph.movies_with("Al Pacino") == ("11", "12", "33")
    assert graph.movies_with("Nobody") == ()
    assert (graph.item_of("heat  (1995)"), graph.item_of("Heat"), graph.item_of("Heat (1986)")) == ("11", "11", None)
    assert (graph.has("12"), graph.has("99")) == (True, False)
    assert (graph.name_of("12"), graph.name_of("99")) == ("Heat (1995)", "")
    assert graph.kind("crime") == "genre"


def test_repeated_triples_count_once_and_triples_to_oneself_not_at_all() -> None:
    graph = small_graph(triples=(*TRIPLES, TRIPLES[0], (4, 1, 4)), unlinked=3)
    assert graph.counts == GraphCounts(entities=10, relations=4, triples=12, movies=3, linked=3, items=4, unlinked=3)
    assert graph.neighbours("Robert De Niro") == ("Heat (1995)",)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"names": ("Heat (1995)",) * 10}, "two entities have the same name"),
        ({"triples": ((0, 0, 10),)}, "a triple's tail is 10, not in 0 to 9"),
        ({"triples": ((0, 4, 1),)}, "a triple's relation is 4, not in 0 to 3"),
        ({"triples": ((-1, 0, 1),)}, "a triple's head is -1, not in 0 to 9"),
        ({"items": {"1": 10}}, "an item's entity is 10, not in 0 to 9"),
    ],
)
def test_a_graph_that_points_nowhere_is_refused(changed: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small_graph(**changed)


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 9)), max_size=40))
def test_any_graph_keeps_its_promises(triples: set[tuple[int, int, int]]) -> None:
    graph = small_graph(triples=triples)
    for a, b in (("11", "22"), ("22", "33"), ("11", "33")):
        assert 0 <= graph.near(a, b) <= 1
        assert graph.near(a, b) == graph.near(b, a)
        assert graph.near(a, b) > 0 or not graph.shared(a, b)
        assert {shared.entity for shared in graph.shared(a, b)} == (
            set(graph.neighbours(graph.name_of(a))) & set(graph.neighbours(graph.name_of(b)))
        )
    assert set(graph.related("11", 99)) == set(graph.neighbours("Heat (1995)"))
    assert len(graph.triples("11", 99)) == sum(head == 0 != tail for head, _, tail in triples)


def test_the_file_gives_the_same_graph_and_the_same_bytes(tmp_path: Path) -> None:
    path, again = tmp_path / "knowledge.json", tmp_path / "again.json"
    graph = small_graph(unlinked=1)
    graph.save(path)
    loaded = KnowledgeGraph.load(path)
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["again.json", "knowledge.json"]
    assert loaded.counts == graph.counts
    assert loaded.related("11", 9) == graph.related("11", 9)
    assert loaded.triples("12", 9) == graph.triples("12", 9)
    assert loaded.names == NAMES


def test_the_file_is_what_its_description_says(tmp_path: Path) -> None:
    graph = KnowledgeGraph(
        names=("Heat", "drama"),
        kinds=("movie", ""),
        relations=("genre",),
        triples=((0, 0, 1),),
        items={"7": 0},
        unlinked=2,
    )
    graph.save(tmp_path / "knowledge.json")
    assert (tmp_path / "knowledge.json").read_text(encoding="utf-8") == (
        '{"format":"ecr-knowledge/1","relations":["genre"],"kinds":["movie",""],"names":["Heat","drama"],"kind":[0,1],'
        '"heads":[0],"triple_relations":[0],"tails":[1],"items":{"7":0},"unlinked":2}\n'
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is no knowledge graph: Expecting value: line 1 column 1 (char 0)"),
        (b'{"format": "other"}', "the file is no knowledge graph: it has no mark 'ecr-knowledge/1'"),
        (b"[1]", "the file is no knowledge graph: it has no mark 'ecr-knowledge/1'"),
        (
            b"\xff",
            "the file is no knowledge graph: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
        ({"names": 1}, "the file is no knowledge graph: 'names' must be a list, found a number"),
        ({"tails": [True]}, "the file is no knowledge graph: 'tails' must hold whole numbers, found bool"),
        ({"tails": [5]}, "the file is no knowledge graph: a triple's tail is 5, not in 0 to 1"),
        ({"tails": []}, "the file is no knowledge graph: its columns of triples differ in length"),
        ({"kind": [0, 2]}, "the file is no knowledge graph: an entity's kind points nowhere"),
        ({"items": {"1": "0"}}, "the file is no knowledge graph: 'items' must be an object of whole numbers"),
        ({"unlinked": None}, "the file is no knowledge graph: 'unlinked' must be a whole number"),
    ],
)
def test_a_bad_file_is_an_error_with_a_way_out(tmp_path: Path, content: bytes | dict[str, object], what: str) -> None:
    path = tmp_path / "knowledge.json"
    good = KnowledgeGraph(
        names=("Heat", "drama"), kinds=("movie", ""), relations=("genre",), triples=((0, 0, 1),), items={"7": 0}
    )
    good.save(path)
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_bytes()) | content).encode()
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        KnowledgeGraph.load(path)
    (problem,) = caught.value.problems
    assert (problem.what, problem.at, problem.fix) == (what, f"{path}:1", REMAKE)
    assert caught.value.exit_code is ExitCode.DATA


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        KnowledgeGraph.load(tmp_path / "knowledge.json")
    (problem,) = caught.value.problems
    assert (problem.what, problem.fix) == ("there is no knowledge graph", REMAKE)
