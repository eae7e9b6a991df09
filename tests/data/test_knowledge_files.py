"""Reading published graphs: CFCRS, UniCRS and ECR, a list of movies alone; and what is said of bad files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from small_graph import small_graph, write_cfcrs

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.knowledge.files import graph_files, graph_source, read_graph
from ecr_engine.data.knowledge.graph import GraphCounts, KnowledgeGraph
from ecr_engine.errors import DataError, ExitCode, Problem

EXPECTED = (
    "give a folder or zip with kg.json or dbpedia_subkg.json, and entity2id.json, relation2id.json and item_ids.json "
    "beside it, or with id2info.json"
)


def graph_in(folder: Path) -> KnowledgeGraph:
    return read_graph(SourceFiles(folder))


def write(folder: Path, **content: Any) -> Path:
    for name, value in content.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def problem_of(folder: Path) -> Problem:
    with pytest.raises(DataError) as caught:
        graph_in(folder)
    assert caught.value.exit_code is ExitCode.DATA
    (problem,) = caught.value.problems
    return problem


def test_a_knowledge_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        graph_source(tmp_path / "nothere")
    (problem,) = caught.value.problems
    assert problem == Problem("the knowledge folder does not exist", str(tmp_path / "nothere"), EXPECTED)
    assert graph_files(graph_source(write_cfcrs(tmp_path)))[0] == "kg.json"


def same(a: KnowledgeGraph, b: KnowledgeGraph, folder: Path) -> bool:
    a.save(folder / "a")
    b.save(folder / "b")
    return (folder / "a").read_bytes() == (folder / "b").read_bytes()


def test_cfcrs_gives_the_graph_with_its_gaps_in_ids_and_double_blanks_mended(tmp_path: Path) -> None:
    source, scratch = tmp_path / "source", tmp_path / "scratch"
    source.mkdir()
    scratch.mkdir()
    assert same(graph_in(write_cfcrs(source)), small_graph(unlinked=1), scratch)
    assert graph_files(SourceFiles(source)) == (
        *("kg.json", "entity2id.json", "relation2id.json", "entity2type.json", "item_ids.json", "id2info.json"),
    )


def test_types_and_movie_list_stand_in_for_each_other(tmp_path: Path) -> None:
    without_list = graph_in(write_cfcrs(tmp_path, item_ids=None))
    assert (without_list.counts.movies, without_list.item_of("Heat")) == (3, "11")
    write_cfcrs(tmp_path)
    (tmp_path / "entity2type.json").unlink()
    without_types = graph_in(tmp_path)
    assert [without_types.kind(name) for name in ("Heat (1995)", "Al Pacino", "crime")] == ["movie", "person", "genre"]


def test_a_zip_and_packed_files_are_read_like_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_cfcrs(source)
    with zipfile.ZipFile(tmp_path / "graph.zip", "w") as archive:
        for file in source.iterdir():
            archive.write(file, f"redial/{file.name}")
    assert same(graph_in(tmp_path / "graph.zip"), graph_in(source), tmp_path)


def resource(name: str) -> str:
    return f"<http://dbpedia.org/resource/{name}>"


def write_dbpedia(folder: Path, *, relations: bool = True) -> Path:
    entities = ("Alien_(film)", "Heat_(1995_film)", "Face/Off", "Tom_Skerritt", "Chris_Evans_(actor)", "Al_Pacino")
    ontology = ("director", "starring", "musicComposer", "subsequentWork")
    write(
        folder,
        entity2id={resource(name): number for number, name in enumerate(entities)},
        item_ids=[0, 1, 2],
        dbpedia_subkg={"0": [[4, 0], [1, 3], [2, 4]], "1": [[4, 1], [1, 5], [3, 0]], "3": [[4, 3]]},
        id2info={
            "1": {"name": "Alien (1979)"},
            "2": {"name": "Heat (1995)"},
            "3": {"name": "Heat (1986)"},
            "4": {"name": "Face/Off (1997)"},
        },
    )
    if relations:
        names = {f"<http://dbpedia.org/ontology/{name}>": number for number, name in enumerate(ontology)}
        write(folder, relation2id={**names, "self_loop": 4})
    return folder


def test_dbpedia_names_are_for_people_and_ids_find_their_movie_by_title_and_year(tmp_path: Path) -> None:
    graph = graph_in(write_dbpedia(tmp_path))
    assert graph.names == ("Alien", "Heat (1995)", "Face/Off", "Tom Skerritt", "Chris Evans", "Al Pacino")
    assert graph.relations == ("director", "starring", "music composer", "subsequent work", "self_loop")
    assert graph.counts == GraphCounts(entities=6, relations=5, triples=4, movies=3, linked=3, items=3, unlinked=1)
    assert graph.items == ("1", "2", "4")
    assert graph.triples("1", 9) == (("starring", "Tom Skerritt"), ("music composer", "Chris Evans"))
    assert graph.related("2", 9) == ("Al Pacino", "Alien")
    assert [graph.kind(name) for name in ("Alien", "Tom Skerritt", "Chris Evans")] == ["movie", "person", "person"]


def test_dbpedia_without_relation_names_still_knows_what_is_related(tmp_path: Path) -> None:
    graph = graph_in(write_dbpedia(tmp_path, relations=False))
    assert graph.triples("1", 9) == ()
    assert graph.related("1", 9) == ("Tom Skerritt", "Chris Evans", "Heat (1995)")


def test_names_of_the_dialogues_link_a_graph_without_a_list(tmp_path: Path) -> None:
    write_dbpedia(tmp_path)
    (tmp_path / "id2info.json").unlink()
    files = SourceFiles(tmp_path)
    assert read_graph(files).counts.linked == 0
    assert read_graph(files, {"77": "Heat  (1995)", "78": "Gone"}).items == ("77",)


def test_a_list_of_movies_alone_makes_a_graph(tmp_path: Path) -> None:
    heat = {"name": "Heat  (1995)", "genre": ["crime"], "director": ["Michael Mann"], "writer": ["Michael  Mann"]}
    ali = {"name": "Ali (2001)", "genre": ["drama"], "director": ["Michael Mann"], "star": ["Will Smith"], "plot": "…"}
    write(tmp_path, id2info={"11": heat, "12": {**heat, "writer": []}, "22": ali, "33": {"name": None}})
    assert graph_files(SourceFiles(tmp_path)) == ("id2info.json",)
    graph = graph_in(tmp_path)
    assert graph.counts == GraphCounts(entities=6, relations=4, triples=6, movies=2, linked=2, items=3, unlinked=1)
    assert graph.names == ("Heat (1995)", "Ali (2001)", "crime", "Michael Mann", "drama", "Will Smith")
    assert graph.triples("12", 9) == (("director", "Michael Mann"), ("genre", "crime"), ("writer", "Michael Mann"))
    assert graph.movies_with("Michael Mann") == ("11", "12", "22")


def test_movies_named_like_people_stay_apart(tmp_path: Path) -> None:
    write(tmp_path, id2info={"1": {"name": "Ray Charles", "star": ["Ray Charles"]}})
    graph = graph_in(tmp_path)
    assert graph.names == ("Ray Charles", "Ray Charles [2]")
    assert graph.related("1", 1) == ("Ray Charles [2]",)


def test_a_source_without_a_graph_lists_what_is_expected(tmp_path: Path) -> None:
    write(tmp_path, entity2id={"a": 0})
    assert graph_files(SourceFiles(tmp_path)) == ()
    assert problem_of(tmp_path) == Problem("the source holds no knowledge graph", str(tmp_path), EXPECTED)


@pytest.mark.parametrize("missing", ["entity2id", "relation2id"])
def test_a_missing_partner_is_named(tmp_path: Path, missing: str) -> None:
    what = f"kg.json is there, but {missing}.json, which belongs to it, is missing"
    assert problem_of(write_cfcrs(tmp_path, **{missing: None})) == Problem(what, str(tmp_path), EXPECTED)


def test_movies_must_be_told_from_people(tmp_path: Path) -> None:
    what = "kg.json is there, but item_ids.json, which belongs to it, is missing"
    assert problem_of(write_cfcrs(tmp_path, item_ids=None, entity2type=None)).what == what


FAULTS: list[tuple[str, Any, str, str]] = [
    ("kg", b'{"0": [[2, 30]', "the file is not JSON: Expecting ',' delimiter at column 15", ":1"),
    ("kg", b'{"0":\n\xe9}', "the file is not UTF-8: byte 0xe9", ":2"),
    ("kg", b'{"0": [[NaN, 30]]}', "the file is not JSON that can be trusted: NaN is no JSON number", ""),
    ("kg", b'{"0": [], "0": []}', "the file is not JSON that can be trusted: the name '0' is there twice", ""),
    ("kg", b"[" * 100_000, "the file is not JSON that can be read: a number or a nesting is too long", ""),
    ("kg", [], "the graph must be a JSON object, found a list", ""),
    ("kg", {"7": []}, "the head '7' is no entity of entity2id.json", ""),
    ("kg", {"Heat": []}, "the head 'Heat' is no entity of entity2id.json", ""),
    ("kg", {"0": {}}, "what entity 0 is related to must be a list, found an object", ""),
    ("kg", {"0": [[2]]}, "entity 0 is related to [2], which is not [relation id, entity id]", ""),
    ("kg", {"0": [[2, True]]}, "entity 0 is related to [2, True], which is not [relation id, entity id]", ""),
    ("kg", {"0": [[9, 30]]}, "entity 0 has the relation 9, which relation2id.json lacks", ""),
    ("kg", {"0": [[2, 35]]}, "entity 0 is related to entity 35, which entity2id.json lacks", ""),
    ("entity2id", {"A": 1, "B": 1}, "entity 1 is both 'A' and 'B'", ""),
    ("entity2id", {"A": "1"}, "the id of 'A' must be a whole number, found text", ""),
    ("entity2id", {"A": 1.5}, "the id of 'A' must be a whole number, found 1.5", ""),
    ("entity2id", {"A": -1}, "the id of 'A' is -1; it can't be below 0", ""),
    ("entity2id", {" ": 1}, "entity 1 has no name", ""),
    ("entity2id", {}, "the list of each entity is empty", ""),
    ("relation2id", {"star": None}, "the id of 'star' must be a whole number, found null", ""),
    ("entity2type", {"Heat (1995)": 0}, "the type of 'Heat (1995)' must be text, found a number", ""),
    ("entity2type", {"Heat": "movie"}, "'Heat' is no entity of entity2id.json", ""),
    ("item_ids", {"0": 0}, "the list of movies must be a list, found an object", ""),
    ("item_ids", [0, 5], "movie 5 is no entity of entity2id.json", ""),
    ("id2info", [1], "the list of movies must be a JSON object, found a list", ""),
    ("id2info", {"1": "Heat"}, "movie 1 must be a JSON object, found text", ""),
    ("id2info", {"1": {"name": 3}}, "the name of movie 1 must be text, found a number", ""),
    ("id2info", {"1": {"name": "A", "star": "B"}}, "'star' of movie 1 must be a list, found text", ""),
    ("id2info", {"1": {"name": "A", "star": [1]}}, "each star of movie 1 must be text, found a number", ""),
]


@pytest.mark.parametrize(("name", "content", "what", "line"), FAULTS)
def test_a_bad_file_is_an_error_with_its_place(tmp_path: Path, name: str, content: Any, what: str, line: str) -> None:
    problem = problem_of(write_cfcrs(tmp_path, **{name: content}))
    assert problem == Problem(what, f"{tmp_path / name}.json{line}", "fetch the file again")


def test_a_list_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    assert problem_of(write(tmp_path, id2info={"1": {"name": ""}})).what == "the list names no movie"


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    write_cfcrs(tmp_path, relation2id=b'\xef\xbb\xbf{"genre": 0, "star": 1, "director": 2, "writer": 3}')
    assert graph_in(tmp_path).counts.triples == 12
