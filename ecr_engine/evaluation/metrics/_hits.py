"""Whether a response recommends what the human did: hits among the movies that it names by their titles."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import SLOT, Example, Sample, Turn
from ecr_engine.evaluation.corpus import Corpus, corpus_of
from ecr_engine.evaluation.metric import Family, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.titles import TitleFinder

Named = tuple[str, ...]
"""The ids that a title can stand for."""


def hit(ranked: Sequence[Named], wanted: Collection[str], seen: Collection[str], k: int) -> float | None:
    """Whether one of the first `k` movies is wanted.

    Args:
        ranked: the movies, best first.
        wanted: ids of the movies that count.
        seen: ids that are taken out of both.
        k: how many are looked at, at least 1.

    Returns:
        1 or 0; None if nothing is wanted.
    """
    left = set(wanted) - set(seen)
    new = [ids for ids in ranked if not set(ids) & set(seen)]
    return float(any(left & set(ids) for ids in new[:k])) if left else None


class Hit:
    """hit@k of the movies that responses name by their titles.

    Args:
        graph: knows the titles; None: those that the split's own dialogues speak of.
        k: how many movies of a response are looked at.
        mentioned: whether movies count that the dialogue has named before.
    """

    family = Family.RECOMMENDATION
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    source = "hit rate as in UniCRS and ECR; the removal of mentioned items as in later re-evaluations of ReDial"
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, graph: KnowledgeGraph | None, k: int, *, mentioned: bool) -> None:
        self._graph = graph
        self._k = k
        self._mentioned = mentioned
        stem = "hit_all" if mentioned else "hit"
        self.name = f"{stem}_{k}"
        self.key = f"{stem}@{k}"
        first = "the first movie that the response names" if k == 1 else f"one of the first {k} movies that it names"
        rest = "movies already mentioned count too" if mentioned else "movies already mentioned are taken out of both"
        self.explanation = (
            f"Share of the turns with movies in the reference where {first} by title is one of them; {rest}. No value "
            "where no response names a title: a slot does not say which movie it stands for."
        )

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean over turns that have a movie to hit."""
        corpus = corpus_of(samples)
        ranked = corpus.once("titles", lambda: _ranked(corpus, self._graph))
        if not any(ranked):
            return mean_result([None] * len(corpus))
        rows = zip(ranked, corpus, strict=True)
        return mean_result([hit(named, *self._sides(sample.example), self._k) for named, sample in rows])

    def _sides(self, example: Example) -> tuple[list[str], Sequence[str]]:
        """The wanted ids and those that do not count."""
        return [item.item_id for item in example.items], () if self._mentioned else example.mentioned


def _ranked(corpus: Corpus, graph: KnowledgeGraph | None) -> list[list[Named]]:
    """The movies that each response names, in the order of mention."""
    titles = TitleFinder(_own_titles(corpus) if graph is None else graph)
    return [titles(sample.response) for sample in corpus]


def _names(turn: Turn) -> list[tuple[str, str]]:
    """Id and name of each movie of a turn: its text has the names where its slots are."""
    first, *between = turn.slots.split(SLOT)
    place = len(first)
    found: list[tuple[str, str]] = []
    for item, behind in zip(turn.items, between, strict=False):
        last = len(found) + 1 == len(between)
        end = len(turn.text) - len(behind) if last else turn.text.find(behind, place)
        if end <= place:
            break
        found.append((item, turn.text[place:end]))
        place = end + len(behind)
    return found


def _own_titles(corpus: Corpus) -> KnowledgeGraph:
    """The movies that the corpus itself speaks of, with no relations between them."""
    turns = {turn for sample in corpus for turn in sample.example.context if turn.items}
    names = dict(pair for turn in sorted(turns, key=lambda turn: turn.text) for pair in _names(turn))
    names |= {item.item_id: item.name for sample in corpus for item in sample.example.items if item.name}
    distinct = list(dict.fromkeys(names.values()))
    places = {name: place for place, name in enumerate(distinct)}
    return KnowledgeGraph(
        names=distinct,
        kinds=["movie"] * len(distinct),
        relations=(),
        triples=(),
        items={item_id: places[name] for item_id, name in names.items()},
    )
