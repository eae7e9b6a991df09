"""Reads the knowledge graphs that are published with ReDial.

CFCRS (KDD 2023): `kg.json` (an object of head id to a list of [relation id, tail id]), `entity2id.json`,
`relation2id.json`, `item_ids.json` (entities that are movies), `entity2type.json`, and `id2info.json` (what the ids of
the dialogues stand for). UniCRS (KDD 2022) and ECR: `dbpedia_subkg.json` of the same shape, with DBpedia's addresses as
names, each entity with a `self_loop` to itself. Where there is only `id2info.json`, it makes a smaller graph by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecr_engine.data import names as lists
from ecr_engine.data.files import SourceFiles
from ecr_engine.data.knowledge import dbpedia, info
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.knowledge.relations import MOVIE, kind_at_end
from ecr_engine.data.knowledge.tables import a_list, a_number, a_text, an_object, content, fault
from ecr_engine.data.knowledge.titles import Titles, link
from ecr_engine.data.reader import MalformedError, Names
from ecr_engine.errors import DataError

CFCRS, DBPEDIA = "kg.json", "dbpedia_subkg.json"
ENTITIES, RELATIONS, TYPES, ITEMS = "entity2id.json", "relation2id.json", "entity2type.json", "item_ids.json"

EXPECTED = (
    f"give a folder or zip with {CFCRS} or {DBPEDIA}, and {ENTITIES}, {RELATIONS} and {ITEMS} beside it, "
    f"or with {lists.INFO}"
)


def graph_source(place: Path) -> SourceFiles:
    """The files of a folder or zip that was named for its knowledge graph.

    Raises:
        DataError: it is missing or can't be read.
    """
    if not place.exists():
        raise DataError("the knowledge folder does not exist", at=str(place), fix=EXPECTED)
    return SourceFiles(place)


def graph_files(files: SourceFiles) -> tuple[str, ...]:
    """The files that `read_graph` reads; empty if the source has no graph."""
    names = files.names()
    for graph in (CFCRS, DBPEDIA):
        if graph in names:
            partners = (ENTITIES, RELATIONS, TYPES, ITEMS, lists.INFO, lists.MENTIONS)
            return (graph, *(name for name in partners if name in names))
    return (lists.INFO,) if lists.INFO in names else ()


def read_graph(files: SourceFiles, names: Names | None = None) -> KnowledgeGraph:
    """The knowledge graph of a source.

    Args:
        files: the source.
        names: movie names by id beside those that the source lists itself, which are believed first.

    Raises:
        DataError: there is no graph, a file that belongs to it is missing, or one of them is bad.
    """
    used = graph_files(files)
    if not used:
        raise DataError("the source holds no knowledge graph", at=str(files.place), fix=EXPECTED)
    if used == (lists.INFO,):
        raw = content(files, lists.INFO)
        with _placed(files, lists.INFO):
            return info.graph_of(info.read_info(raw))
    return _Published(files, used[0]).graph(names or {})


@contextmanager
def _placed(files: SourceFiles, name: str) -> Iterator[None]:
    """Adds to a fault the file that has it."""
    try:
        yield
    except MalformedError as error:
        raise fault(files, name, str(error)) from error


class _Published:
    """A graph in the shape that CFCRS and UniCRS share."""

    def __init__(self, files: SourceFiles, graph_file: str) -> None:
        self._files, self._graph_file = files, graph_file
        keys = self._numbered(ENTITIES, "entity")
        self._numbers = {entity_id: number for number, entity_id in enumerate(keys)}
        self._keys = list(keys.values())

    def graph(self, names: Names) -> KnowledgeGraph:
        relations, positions = self._relations()
        triples = self._triples(positions)
        kinds = self._kinds(relations, triples)
        shown = dbpedia.entity_names(self._keys)
        listed = {**names, **self._listed()}
        titles = Titles((shown[number], number) for number, kind in enumerate(kinds) if kind == MOVIE)
        items = link(titles, listed)
        return KnowledgeGraph(
            names=shown,
            kinds=kinds,
            relations=relations,
            triples=triples,
            items=items,
            unlinked=len(listed) - len(items),
        )

    def _numbered(self, name: str, what: str) -> dict[int, str]:
        """The keys of an object of key to id, by id, in the order of the ids."""
        self._need(name)
        table = content(self._files, name)
        found: dict[int, str] = {}
        with _placed(self._files, name):
            for key, raw in an_object(table, f"the list of each {what}").items():
                number = a_number(raw, f"the id of '{key}'")
                if number in found:
                    raise MalformedError(f"{what} {number} is both '{found[number]}' and '{key}'")
                if not dbpedia.full_name(key):
                    raise MalformedError(f"{what} {number} has no name")
                found[number] = key
            if not found:
                raise MalformedError(f"the list of each {what} is empty")
        return dict(sorted(found.items()))

    def _need(self, name: str) -> None:
        if name not in self._files.names():
            what = f"{self._graph_file} is there, but {name}, which belongs to it, is missing"
            raise DataError(what, at=str(self._files.place), fix=EXPECTED)

    def _relations(self) -> tuple[list[str], dict[int, int] | None]:
        """Names of the relations, and the position of each id; without a list one nameless relation stands for all."""
        if RELATIONS not in self._files.names() and self._graph_file == DBPEDIA:
            return [""], None
        keys = self._numbered(RELATIONS, "relation")
        # Two addresses can have one name (DBpedia has an ontology and properties): they become one relation.
        shown = {number: dbpedia.relation_name(key) for number, key in keys.items()}
        names = list(dict.fromkeys(shown.values()))
        return names, {number: names.index(name) for number, name in shown.items()}

    def _triples(self, positions: Mapping[int, int] | None) -> list[tuple[int, int, int]]:
        raw = content(self._files, self._graph_file)
        triples: list[tuple[int, int, int]] = []
        with _placed(self._files, self._graph_file):
            for head, pairs in an_object(raw, "the graph").items():
                number = self._numbers.get(int(head)) if head.isascii() and head.isdigit() else None
                if number is None:
                    raise MalformedError(f"the head '{head}' is no entity of {ENTITIES}")
                for pair in a_list(pairs, f"what entity {head} is related to"):
                    relation, tail = self._pair(head, pair, positions)
                    if tail != number:  # `self_loop`, a device of graph networks, says nothing
                        triples.append((number, relation, tail))
        return triples

    def _pair(self, head: str, pair: Any, positions: Mapping[int, int] | None) -> tuple[int, int]:
        if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) is not int or type(pair[1]) is not int:
            raise MalformedError(f"entity {head} is related to {pair!r}, which is not [relation id, entity id]")
        relation = 0 if positions is None else positions.get(pair[0])
        tail = self._numbers.get(pair[1])
        if relation is None:
            raise MalformedError(f"entity {head} has the relation {pair[0]}, which {RELATIONS} lacks")
        if tail is None:
            raise MalformedError(f"entity {head} is related to entity {pair[1]}, which {ENTITIES} lacks")
        return relation, tail

    def _kinds(self, relations: Sequence[str], triples: Sequence[tuple[int, int, int]]) -> list[str]:
        """The kind of each entity: listed as a movie, typed by its source, or told by the relations that lead to it."""
        names = self._files.names()
        if ITEMS not in names and TYPES not in names:
            self._need(ITEMS)
        kinds = self._types() if TYPES in names else [MOVIE if dbpedia.is_film(key) else "" for key in self._keys]
        if ITEMS in names:
            for number in self._movies():
                kinds[number] = MOVIE
        told = [kind_at_end(relation) for relation in relations]
        for _, relation, tail in triples:
            kinds[tail] = kinds[tail] or told[relation]
        return kinds

    def _types(self) -> list[str]:
        raw = content(self._files, TYPES)
        with _placed(self._files, TYPES):
            types = {
                key: a_text(value, f"the type of '{key}'") for key, value in an_object(raw, "the list of types").items()
            }
            if unknown := sorted(types.keys() - set(self._keys)):
                raise MalformedError(f"'{unknown[0]}' is no entity of {ENTITIES}")
        return [types.get(key, "") for key in self._keys]

    def _movies(self) -> list[int]:
        raw = content(self._files, ITEMS)
        found = []
        with _placed(self._files, ITEMS):
            for value in a_list(raw, "the list of movies"):
                number = self._numbers.get(a_number(value, "the id of a movie"))
                if number is None:
                    raise MalformedError(f"movie {value} is no entity of {ENTITIES}")
                found.append(number)
        return found

    def _listed(self) -> Names:
        """The names that the source's own lists give to ids."""
        if lists.INFO in self._files.names():
            raw = content(self._files, lists.INFO)
            with _placed(self._files, lists.INFO):
                info.read_info(raw)  # for its sharper errors
        return lists.movie_names(self._files)
