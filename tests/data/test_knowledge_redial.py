"""The graph that CFCRS publishes with ReDial, where it is at hand."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from ecr_engine.data.files import SourceFiles
from ecr_engine.data.knowledge.files import read_graph
from ecr_engine.data.knowledge.graph import GraphCounts, KnowledgeGraph
from ecr_engine.data.knowledge.linker import EntityLinker

REDIAL = Path(__file__).parents[3] / "shared" / "data" / "redial"
pytestmark = pytest.mark.skipif(not (REDIAL / "kg.json").is_file(), reason="the published graph is not at hand")


@cache
def graph() -> KnowledgeGraph:
    return read_graph(SourceFiles(REDIAL))


def test_everything_in_the_files_is_in_the_graph() -> None:
    assert graph().counts == GraphCounts(
        entities=24_630, relations=4, triples=56_965, movies=6_576, linked=6_576, items=6_583, unlinked=0
    )


def test_nearly_all_mentioned_movies_are_known() -> None:
    mentioned = set()
    for split in ("train", "valid", "test"):
        with (REDIAL / f"{split}_data.jsonl").open(encoding="utf-8") as handle:
            mentioned |= {item_id for line in handle for item_id in json.loads(line)["movieMentions"] or ()}
    assert (len(mentioned), sum(map(graph().has, mentioned))) == (2_730, 2_719)


def test_answers_on_toy_story() -> None:
    toys, sequel, fight = (
        graph().item_of(name) for name in ("Toy Story (1995)", "Toy Story 2 (1999)", "Fight Club (1999)")
    )
    assert toys and sequel and fight
    assert graph().related(toys, 2) == ("John Lasseter", "Tom Hanks")
    assert "Tim Allen" in graph().related(toys, 4)
    assert graph().near(toys, sequel) > 0.3 > 0.1 > graph().near(toys, fight)


def test_the_linker_finds_its_people_and_genres() -> None:
    linked = EntityLinker(graph())("I like scary movies, and Tom Hanks in <movie>!")
    assert linked == ("horror", "Tom Hanks")
