"""The movies that a conversation can speak of: found in what the seeker types, and put into the slots of replies.

A backbone says *that* it recommends, and leaves `<movie>` where the title goes. Which titles go there is a rule, not
the model's choice: the movies that share most with what the seeker has named, by the knowledge graph, and among equals
those that seekers of the training dialogues liked most. No movie is brought up twice in a dialogue.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.knowledge.linker import EntityLinker
from ecr_engine.data.knowledge.relations import MOVIE
from ecr_engine.data.knowledge.titles import split_year
from ecr_engine.data.schema import SLOT, Example, Item, Role, Split, Turn
from ecr_engine.data.store import split_path, stream_examples
from ecr_engine.rewards.titles import TitleFinder

_WORD = re.compile(r"[^\W_]+")
_BETWEEN = r"[\W_]+"
_APOSTROPHE = "['\u2019\u2018]?"
_QUOTES = str.maketrans("", "", "'\u2019\u2018")


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names.

    Attributes:
        slots: the text with `<movie>` in the place of each title.
        items: ids of the movies, in the order of the slots.
        entities: other entities of the knowledge graph, by name.
    """

    slots: str
    items: tuple[str, ...]
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """A response with titles.

    Attributes:
        text: the response with a title in each slot; a slot for which no movie is left stays `<movie>`.
        items: the movies, in the order of their slots.
    """

    text: str
    items: tuple[Item, ...]


class Movies:
    """Movies by title, and how well each of them fits a dialogue.

    Args:
        names: the name of each movie, with its year where known, by id; all of the graph's are among them.
        liked: how often each was liked; an id without a count was never.
        graph: what the movies have to do with each other; None if nobody knows.
    """

    def __init__(self, names: dict[str, str], liked: Counter[str], graph: KnowledgeGraph | None = None) -> None:
        self._names = names
        self._liked = liked
        self._graph = graph
        self._finder = TitleFinder(graph if graph is not None else _bare_graph(names))
        self._linker = None if graph is None else EntityLinker(graph)

    @property
    def rule(self) -> str:
        """How titles are chosen, in a few words."""
        return "by popularity in the training dialogues" if self._graph is None else "by the knowledge graph"

    def find(self, text: str) -> Named:
        """The movies and the other entities that a text names."""
        slots, items, place = "", [], 0
        for ids in self._finder(text):
            item = max(ids, key=lambda each: self._liked[each])
            found = _pattern(self._names[item]).search(text, place)
            if found is not None:
                slots += text[place : found.start()] + SLOT
                items.append(item)
                place = found.end()
        slots += text[place:]
        return Named(slots, tuple(items), () if self._linker is None else self._linker(slots))

    def fill(self, response: str, context: Sequence[Turn]) -> Filled:
        """A response with titles in its slots.

        Args:
            response: with slots.
            context: what was said before; none of its movies is named again.
        """
        pieces = response.split(SLOT)
        items = [Item(each, self._names[each], suggested=True) for each in self._best(context, len(pieces) - 1)]
        titles = [item.name for item in items] + [SLOT] * (len(pieces) - 1 - len(items))
        text = "".join(piece + title for piece, title in zip(pieces, [*titles, ""], strict=True))
        return Filled(text, tuple(items))

    def _best(self, context: Sequence[Turn], count: int) -> list[str]:
        """Ids of the movies that fit best, no two of one name."""
        if not count:
            return []
        near = self._nearness(context)
        said = {self._names[item] for turn in context for item in turn.items}
        chosen: dict[str, str] = {}
        for item in sorted(self._names, key=lambda each: (-near.get(each, 0.0), -self._liked[each], each)):
            if self._names[item] not in said:
                chosen.setdefault(self._names[item], item)
            if len(chosen) == count:
                break
        return list(chosen.values())

    def _nearness(self, context: Sequence[Turn]) -> dict[str, float]:
        """What each movie shares with what the seeker has named: a rare entity counts more than a common one."""
        near: defaultdict[str, float] = defaultdict(float)
        if self._graph is None:
            return near
        for entity in dict.fromkeys(_named(context, self._graph)):
            movies = self._graph.movies_with(entity)
            for item in movies:
                near[item] += 1 / math.log(2 + len(movies))
        return near


def movies_of(data: Path | None, graph: KnowledgeGraph | None) -> Movies | None:
    """The movies of a run's training dialogues and of its knowledge graph; None where no movie has a name.

    Args:
        data: the processed folder; None if there is none.
        graph: the knowledge graph; None if there is none.

    Raises:
        DataError: the training split can't be read.
    """
    names = {} if graph is None else {item: graph.name_of(item) for item in graph.items}
    liked: Counter[str] = Counter()
    path = None if data is None else split_path(data, Split.TRAIN)
    for item in _suggested(() if path is None or not path.is_file() else stream_examples(path)):
        if item.name:
            names.setdefault(item.item_id, item.name)
            liked[item.item_id] += item.liked is True
    return Movies(names, liked, graph) if names else None


def _suggested(examples: Iterable[Example]) -> Iterable[Item]:
    return (item for example in examples for item in example.items)


def _named(context: Sequence[Turn], graph: KnowledgeGraph) -> Iterable[str]:
    """The entities that the seeker named, and those around the movies that they named."""
    for turn in context:
        if turn.role is Role.SEEKER:
            yield from turn.entities
            for item in turn.items:
                yield from graph.neighbours(graph.name_of(item))


def _bare_graph(names: dict[str, str]) -> KnowledgeGraph:
    """A graph that knows the movies by name, and nothing about them."""
    distinct = {name: number for number, name in enumerate(dict.fromkeys(names.values()))}
    return KnowledgeGraph(
        names=tuple(distinct),
        kinds=(MOVIE,) * len(distinct),
        relations=(),
        triples=(),
        items={item: distinct[name] for item, name in names.items()},
    )


def _pattern(name: str) -> re.Pattern[str]:
    """Where a text names a movie: the words of its title, whatever stands between them, and its year."""
    title, year = split_year(name)
    words = (_APOSTROPHE.join(map(re.escape, word)) for word in _WORD.findall(title.translate(_QUOTES)))
    dated = rf"(?:[\s,]*[(\[]?\b{year}\b[)\]]?)?" if year else ""
    return re.compile(rf"(?<!\w){_BETWEEN.join(words)}(?!\w){dated}", re.IGNORECASE)
