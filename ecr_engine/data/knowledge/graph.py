"""The knowledge graph of the movies: who made them and what they are, looked up in microseconds.

A graph never changes. Inside, entities are numbers in the order of their source; outside, they are names, and movies
are the ids that dialogues use. Order is always the same for the same graph: ties fall to the lower number.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

from ecr_engine.data.knowledge import saved
from ecr_engine.data.knowledge.relations import MOVIE, Rank, rank
from ecr_engine.data.knowledge.titles import Titles


@dataclass(frozen=True, slots=True)
class GraphCounts:
    """How much a graph holds.

    Attributes:
        entities: all of them, movies included.
        relations: kinds of relation.
        triples: different triples.
        movies: entities that are movies.
        linked: movies that an id of the dialogues stands for.
        items: ids of the dialogues that stand for a movie of the graph (several can stand for one).
        unlinked: ids of the source's movie list that stand for none.
    """

    entities: int
    relations: int
    triples: int
    movies: int
    linked: int
    items: int
    unlinked: int


@dataclass(frozen=True, slots=True)
class Shared:
    """An entity that two movies touch.

    Attributes:
        entity: its name.
        first: the relations that lead to it from the first movie; empty if one leads from it to the movie.
        second: likewise for the second movie.
    """

    entity: str
    first: tuple[str, ...]
    second: tuple[str, ...]


class KnowledgeGraph:
    """Entities, relations and triples, with the movies by the dialogues' ids.

    Args:
        names: name of each entity; no two are the same.
        kinds: kind of each entity: movie, genre, person, another word, or empty if not known.
        relations: name of each relation; empty if its source does not name it.
        triples: (head, relation, tail) as positions in `names` and `relations`; one that comes twice
            counts once, and one from an entity to itself not at all.
        items: entity that each dialogue id stands for.
        unlinked: ids of the source's movie list that stand for no entity.

    Raises:
        ValueError: two names are the same, or a position points nowhere.
    """

    __slots__ = (
        "_ids",
        "_items",
        "_kinds",
        "_names",
        "_numbers",
        "_ranks",
        "_relations",
        "_starts",
        "_tails",
        "_titles",
        "_touching",
        "_triple_relations",
        "_unlinked",
    )

    def __init__(
        self,
        *,
        names: Sequence[str],
        kinds: Sequence[str],
        relations: Sequence[str],
        triples: Iterable[tuple[int, int, int]],
        items: Mapping[str, int],
        unlinked: int = 0,
    ) -> None:
        distinct = sorted({triple for triple in triples if triple[0] != triple[2]})
        self._names, self._kinds, self._relations = tuple(names), tuple(kinds), tuple(relations)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._items, self._unlinked = dict(items), unlinked
        self._check(distinct)
        self._triple_relations = array("I", [relation for _, relation, _ in distinct])
        self._tails = array("I", [tail for _, _, tail in distinct])
        self._starts, self._touching = _adjacency(distinct, len(self._names))
        self._ranks = tuple(int(rank(name)) for name in self._relations)
        self._ids: dict[int, list[str]] = {}
        for item_id, number in self._items.items():
            self._ids.setdefault(number, []).append(item_id)
        self._titles = Titles((self._names[number], number) for number in self._ids)

    def _check(self, triples: Sequence[tuple[int, int, int]]) -> None:
        if len(self._numbers) != len(self._names):
            raise ValueError("two entities have the same name")
        if len(self._kinds) != len(self._names):
            raise ValueError(f"{len(self._names):,} names, but {len(self._kinds):,} kinds")
        entities, relations = range(len(self._names)), range(len(self._relations))
        for what, numbers, known in (
            ("a triple's head", [triple[0] for triple in triples], entities),
            ("a triple's relation", [triple[1] for triple in triples], relations),
            ("a triple's tail", [triple[2] for triple in triples], entities),
            ("an item's entity", list(self._items.values()), entities),
        ):
            for number in (min(numbers, default=0), max(numbers, default=-1)):
                if numbers and number not in known:
                    raise ValueError(f"{what} is {number}, not in 0 to {len(known) - 1}")

    @property
    def counts(self) -> GraphCounts:
        """How much the graph holds."""
        return GraphCounts(
            entities=len(self._names),
            relations=len(self._relations),
            triples=len(self._tails),
            movies=self._kinds.count(MOVIE),
            linked=len(self._ids),
            items=len(self._items),
            unlinked=self._unlinked,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All entities by name, in the order of their source."""
        return self._names

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations by name."""
        return self._relations

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the dialogues that stand for a movie of the graph, in the order of their list."""
        return tuple(self._items)

    def kind(self, entity: str) -> str:
        """The kind of an entity: movie, genre, person, another word, or empty if not known.

        Raises:
            KeyError: the graph has no entity of this name.
        """
        return self._kinds[self._numbers[entity]]

    def has(self, item_id: str) -> bool:
        """Whether an id of the dialogues stands for a movie of the graph."""
        return item_id in self._items

    def name_of(self, item_id: str) -> str:
        """The graph's name for a movie; empty if it has none."""
        return self._names[self._items[item_id]] if item_id in self._items else ""

    def item_of(self, name: str) -> str | None:
        """The id of the movie of this name (see `Titles.find`), of several the first listed; None if there is none."""
        number = self._titles.find(name)
        return None if number is None else self._ids[number][0]

    def movies_with(self, entity: str) -> tuple[str, ...]:
        """Ids of the movies that touch an entity; empty if there are none, or no such entity."""
        if (number := self._numbers.get(entity)) is None:
            return ()
        return tuple(item_id for movie in self._touching[number] for item_id in self._ids.get(movie, ()))

    def neighbours(self, entity: str) -> tuple[str, ...]:
        """Names of the entities that share a triple with this one, in either direction; empty if there are none."""
        if (number := self._numbers.get(entity)) is None:
            return ()
        return tuple(self._names[other] for other in self._touching[number])

    def related(self, item_id: str, count: int) -> tuple[str, ...]:
        """Names of the entities that tell most about a movie, best first.

        Directors come first, then stars, writers, other people, genres, and the rest: people sell a movie, and a genre
        is mostly known from the dialogue. Among people those of more movies go first, since an actor whom nobody knows
        persuades nobody and a language model invents things about them. Among genres the rarer go first: half of all
        movies are dramas, so `drama` tells least.

        Args:
            item_id: the movie; one that the graph lacks has no related entities.
            count: at most this many.
        """
        if (movie := self._items.get(item_id)) is None:
            return ()
        groups: dict[int, int] = dict.fromkeys(self._touching[movie], _OTHER)
        for relation, tail in self._outgoing(movie):
            groups[tail] = min(groups[tail], self._ranks[relation])
        best = sorted([self._order(group, other) for other, group in groups.items()])
        return tuple([self._names[other] for _, _, other in best[:count]])

    def triples(self, item_id: str, count: int) -> tuple[tuple[str, str], ...]:
        """Relations of a movie with the entities they lead to, best first.

        Each relation gives its best entity (see `related`) before any gives its second. The director comes first, then
        the genre, which the names of `related` seldom reach; then star, writer and the others.

        Args:
            item_id: the movie; one that the graph lacks has no triples.
            count: at most this many.
        """
        if (movie := self._items.get(item_id)) is None:
            return ()
        best: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for relation, tail in self._outgoing(movie):
            if self._relations[relation]:
                group = self._ranks[relation]
                best.setdefault((_TOLD[group], relation), []).append(self._order(group, tail))
        columns = [[(key[1], tail) for _, _, tail in sorted(best[key])] for key in sorted(best)]
        rounds = (pair for one in zip_longest(*columns) for pair in one if pair is not None)
        return tuple([(self._relations[relation], self._names[tail]) for relation, tail in islice(rounds, count)])

    def shared(self, item_a: str, item_b: str) -> tuple[Shared, ...]:
        """The entities that both movies touch, the rarest first; empty if the graph lacks one of the movies."""
        if item_a not in self._items or item_b not in self._items:
            return ()
        a, b = self._items[item_a], self._items[item_b]
        both = set(self._touching[a]).intersection(self._touching[b])
        return tuple(
            Shared(self._names[other], self._leading(a, other), self._leading(b, other))
            for other in sorted(both, key=lambda other: (self._degree(other), other))
        )

    def near(self, item_a: str, item_b: str) -> float:
        """How near two movies are, in [0, 1]: the share of their surroundings that they have in common.

        An entity counts the inverse logarithm of one more than the number of its neighbours (after Adamic & Adar 2003,
        "Friends and neighbors on the Web"): a shared director says much, a shared `drama` little. What both touch is
        divided by what either touches. A triple between the two movies counts as well: each then belongs to its own
        surroundings. 1 for the same movie, 0 if nothing is shared or the graph lacks one of them.
        """
        if item_a not in self._items or item_b not in self._items:
            return 0.0
        a, b = self._items[item_a], self._items[item_b]
        if a == b:
            return 1.0
        around_a, around_b = set(self._touching[a]), set(self._touching[b])
        if b in around_a:
            around_a.add(a)
            around_b.add(b)
        common = self._weight(around_a & around_b)
        return common / self._weight(around_a | around_b) if common else 0.0

    def save(self, path: Path) -> None:
        """Writes the graph into one JSON file, whole or not at all; equal graphs give equal bytes."""
        saved.write(path, self._content())

    @classmethod
    def load(cls, path: Path) -> KnowledgeGraph:
        """The graph that `save` wrote.

        Raises:
            DataError: the file is missing, can't be read, or is no such graph.
        """
        with saved.explained(path):
            content = saved.read(path)
            return cls(
                names=content.names,
                kinds=content.kinds,
                relations=content.relations,
                triples=zip(content.heads, content.triple_relations, content.tails, strict=True),
                items=content.items,
                unlinked=content.unlinked,
            )

    def _content(self) -> saved.Content:
        return saved.Content(
            names=self._names,
            kinds=self._kinds,
            relations=self._relations,
            heads=[head for head in range(len(self._names)) for _ in range(*self._starts[head : head + 2])],
            triple_relations=self._triple_relations.tolist(),
            tails=self._tails.tolist(),
            items=self._items,
            unlinked=self._unlinked,
        )

    def _outgoing(self, head: int) -> Iterable[tuple[int, int]]:
        """Relation and tail of the triples that start at an entity."""
        start, end = self._starts[head], self._starts[head + 1]
        return zip(self._triple_relations[start:end], self._tails[start:end], strict=True)

    def _leading(self, head: int, tail: int) -> tuple[str, ...]:
        return tuple(self._relations[relation] for relation, other in self._outgoing(head) if other == tail)

    def _degree(self, number: int) -> int:
        return len(self._touching[number])

    def _order(self, group: int, number: int) -> tuple[int, int, int]:
        degree = len(self._touching[number])
        return group, (-degree if group < _GENRE else degree), number

    def _weight(self, numbers: Iterable[int]) -> float:
        return math.fsum(1 / math.log(1 + self._degree(number)) for number in numbers)


# As plain numbers: an `IntEnum` compares three times slower, which is felt where movies are ranked.
_GENRE, _OTHER = int(Rank.GENRE), int(Rank.OTHER)
_TOLD = {
    int(group): place
    for place, group in enumerate((Rank.DIRECTOR, Rank.GENRE, Rank.STAR, Rank.WRITER, Rank.CREW, Rank.OTHER))
}
"""The order in which relations are told in a prompt."""


def _adjacency(
    triples: Sequence[tuple[int, int, int]], entities: int
) -> tuple[array[int], tuple[tuple[int, ...], ...]]:
    """Where each head's triples start, one past the last at the end; and each entity's neighbours, each once."""
    starts = array("I", bytes(4 * (entities + 1)))
    touching: list[list[int]] = [[] for _ in range(entities)]
    for head, _, tail in triples:
        starts[head + 1] += 1
        touching[head].append(tail)
    for head, _, tail in triples:
        touching[tail].append(head)
    for number in range(entities):
        starts[number + 1] += starts[number]
    return starts, tuple(tuple(dict.fromkeys(others)) for others in touching)
