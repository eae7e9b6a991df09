"""`recommendation`: whether the response names movies where a human did, as many, and ones that the seeker will like.

In slot mode only the `<movie>` slots are counted. In grounded mode movies that stand in a response by their titles are
counted as well, and what they are worth depends on the movie; a slot does not say which movie it stands for, so it is
worth a full mention. A response without titles has the same score in both modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import SLOT, Example, Sample
from ecr_engine.errors import UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.titles import TitleFinder


class Recommendation:
    """Agreement with the reference on the number of `<movie>` slots."""

    name = "recommendation"
    low = 0.0
    high = 1.0
    explanation = "agreement with the human reference on whether to name movies, and how many"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Slot agreement of each response; None where there is no reference."""
        return [
            slot_agreement(one.response.count(SLOT), one.example.target.count(SLOT))
            if one.example.target.strip()
            else None
            for one in batch
        ]

    def explain(self, sample: Sample) -> str:
        """The numbers of slots."""
        if not sample.example.target.strip():
            return "no reference"
        return f"{_slots(sample.response.count(SLOT))}, the reference has {sample.example.target.count(SLOT)}"


class GroundedRecommendation:
    """Agreement on the number of movies, times the mean worth of those that the response names.

    Args:
        graph: knows the movies' titles, and how near they are.
    """

    name = "recommendation"
    low = 0.0
    high = 1.0
    explanation = (
        "agreement with the human reference on how many movies to name, and whether those named are ones that the "
        "seeker goes on to like, or near them"
    )

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._graph = graph
        self._titles = TitleFinder(graph)

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The grounded score of each response; None where there is no reference."""
        return [self._score(one.response, one.example) if one.example.target.strip() else None for one in batch]

    def explain(self, sample: Sample) -> str:
        """The numbers of slots and of movies by title, and what each title is worth."""
        if not sample.example.target.strip():
            return "no reference"
        named = [
            max((self._worth(item, sample.example), self._graph.name_of(item)) for item in items)
            for items in self._titles(sample.response)
        ]
        titles = [f"'{title}' worth {worth:.2f}" for worth, title in named]
        said = ", ".join([_slots(sample.response.count(SLOT)), *titles])
        return f"{said}, the reference has {_slots(sample.example.target.count(SLOT))}"

    def _score(self, response: str, example: Example) -> float:
        worth = [1.0] * response.count(SLOT)
        worth += [max(self._worth(item, example) for item in named) for named in self._titles(response)]
        return slot_agreement(len(worth), example.target.count(SLOT)) * (fmean(worth) if worth else 1.0)

    def _worth(self, item: str, example: Example) -> float:
        """What naming a movie is worth, in [0, 1].

        1 if the seeker goes on to like it, 0 if they go on to dislike it; else 0 if the dialogue has named it before;
        else how near it is to the nearest one that they go on to like. Where they like none, nothing can be said of
        other movies, and they are worth what a slot is.
        """
        liked = [each.item_id for each in example.items if each.liked]
        disliked = [each.item_id for each in example.items if each.liked is False]
        if self._is_any(item, liked):
            return 1.0
        if self._is_any(item, [*disliked, *example.mentioned]):
            return 0.0
        return max((self._graph.near(item, each) for each in liked), default=1.0)

    def _is_any(self, item: str, others: Sequence[str]) -> bool:
        """Whether one of the ids stands for the same movie; the graph can know one by several ids."""
        return item in others or self._graph.name_of(item) in {self._graph.name_of(other) for other in others}


def slot_agreement(got: int, want: int) -> float:
    """`1 - |got - want| / max(got, want)`, in [0, 1]; 1 if both are 0."""
    return 1.0 - abs(got - want) / max(got, want, 1)


def _slots(count: int) -> str:
    return f"{count} slot{'' if count == 1 else 's'}"


def build(resources: Resources) -> RewardComponent:
    """The component in the mode of the settings.

    Raises:
        UsageError: the grounded mode has no knowledge graph.
    """
    if resources.options.recommendation_mode == "slot":
        return Recommendation()
    if resources.knowledge is None:
        raise UsageError(
            "reward component 'recommendation' needs a knowledge graph in its grounded mode",
            at="reward_options.recommendation_mode",
            fix="give the data one: --set data.knowledge=auto, or --set reward_options.recommendation_mode=slot",
        )
    return GroundedRecommendation(resources.knowledge)
