"""`id2info.json` of CFCRS: for each id of the dialogues a movie's name, genres, directors, writers and stars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ecr_engine.data.cleaning import clean
from ecr_engine.data.knowledge.dbpedia import entity_names
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.knowledge.relations import MOVIE, kind_at_end
from ecr_engine.data.knowledge.tables import a_list, a_text, an_object
from ecr_engine.data.knowledge.titles import fold
from ecr_engine.data.reader import MalformedError

RELATIONS = ("genre", "star", "director", "writer")
"""The fields that are relations, in the order of CFCRS's own graph."""


@dataclass(frozen=True, slots=True)
class Info:
    """What the list says of one id.

    Attributes:
        name: the cleaned name; empty if it has none.
        facts: relation and cleaned name of the entity at its end.
    """

    name: str
    facts: tuple[tuple[str, str], ...]


def read_info(raw: Any) -> dict[str, Info]:
    """The list by id.

    Raises:
        MalformedError: it is no such list.
    """
    return {item_id: _info(item_id, entry) for item_id, entry in an_object(raw, "the list of movies").items()}


def _info(item_id: str, raw: Any) -> Info:
    entry = an_object(raw, f"movie {item_id}")
    name = entry.get("name")
    facts = [
        (relation, clean(a_text(end, f"each {relation} of movie {item_id}")))
        for relation in RELATIONS
        for end in a_list(entry.get(relation) or [], f"'{relation}' of movie {item_id}")
    ]
    shown = "" if name is None else clean(a_text(name, f"the name of movie {item_id}"))
    return Info(shown, tuple((relation, end) for relation, end in facts if end))


def graph_of(movies: dict[str, Info]) -> KnowledgeGraph:
    """The graph that the list alone makes; ids of one name are one movie.

    Raises:
        MalformedError: it names no movie.
    """
    if not any(info.name for info in movies.values()):
        raise MalformedError("the list names no movie")
    made = _Made()
    items = {item_id: made.entity(MOVIE, info.name) for item_id, info in movies.items() if info.name}
    for item_id, movie in items.items():
        made.add(movie, movies[item_id].facts)
    return KnowledgeGraph(
        names=entity_names(made.shown),
        kinds=made.kinds,
        relations=RELATIONS,
        triples=made.triples,
        items=items,
        unlinked=len(movies) - len(items),
    )


@dataclass(slots=True)
class _Made:
    """A graph in the making; entities of one kind are the same if their names are, but for case and blanks."""

    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    triples: list[tuple[int, int, int]] = field(default_factory=list)

    def entity(self, kind: str, name: str) -> int:
        number = self.numbers.setdefault((kind, fold(name)), len(self.shown))
        if number == len(self.shown):
            self.shown.append(name)
            self.kinds.append(kind)
        return number

    def add(self, movie: int, facts: Iterable[tuple[str, str]]) -> None:
        for relation, end in facts:
            self.triples.append((movie, RELATIONS.index(relation), self.entity(kind_at_end(relation), end)))
