"""The item recommender that fills every side's slots: what goes with what, counted over the training dialogues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecr_engine.data.schema import Example

Matrix = NDArray[np.float64]

SMOOTHING = 5.0
"""Dialogues added to those with a movie, so that a share is not taken from one or two of them."""


@dataclass(frozen=True, slots=True)
class Recommender:
    """What goes with what: how often movies are named together in training dialogues.

    Attributes:
        items: ids of all movies of the training dialogues, sorted.
        baskets: the movies of each dialogue, as places in `items`.
        holding: the dialogues of each movie, as places in `baskets`.
    """

    items: tuple[str, ...]
    baskets: tuple[NDArray[np.intp], ...]
    holding: tuple[tuple[int, ...], ...]

    def scores(self, context: Iterable[str]) -> Matrix:
        """How much speaks for each movie after some others, [items].

        The share of dialogues that name it among those that name a movie of the context, smoothed and averaged over
        the context, plus its share among all dialogues. A movie that training never names counts in the average as
        one that nothing goes with.

        Args:
            context: ids of the movies that have been named.
        """
        together = [self._together(item) for item in context]
        popularity = np.array([len(dialogues) for dialogues in self.holding]) / max(1, len(self.baskets))
        return np.mean(together, axis=0) + popularity if together else popularity

    def best(self, context: Sequence[str], many: int) -> tuple[str, ...]:
        """The best movies that have not been named, best first; of equals the one whose id comes first.

        Args:
            context: ids of the movies that have been named.
            many: how many at most.
        """
        known = set(context)
        order = np.argsort(-self.scores(context), kind="stable")
        return tuple([item for place in order if (item := self.items[place]) not in known][:many])

    def _together(self, item: str) -> Matrix:
        """The smoothed share of each movie in the dialogues that name one, [items]."""
        place = int(np.searchsorted(self.items, item)) if self.items else 0
        if place == len(self.items) or self.items[place] != item:
            return np.zeros(len(self.items))
        named = np.concatenate([self.baskets[dialogue] for dialogue in self.holding[place]])
        shared: Matrix = np.bincount(named, minlength=len(self.items)) / (len(self.holding[place]) + SMOOTHING)
        return shared


def fit(examples: Iterable[Example]) -> Recommender:
    """The recommender of some dialogues.

    Args:
        examples: the turns of the training split; all that a turn, its context and its reply name counts once for the
            dialogue.
    """
    named: dict[str, set[str]] = {}
    for example in examples:
        basket = named.setdefault(example.conversation_id, set())
        basket.update(example.mentioned, (item.item_id for item in example.items))
        basket.update(example.reply.items if example.reply is not None else ())
    items = tuple(sorted(set().union(*named.values())))
    place = {item: number for number, item in enumerate(items)}
    baskets = tuple(np.array(sorted(place[item] for item in basket), dtype=np.intp) for basket in named.values())
    holding: list[list[int]] = [[] for _ in items]
    for dialogue, places in enumerate(baskets):
        for number in places:
            holding[number].append(dialogue)
    return Recommender(items, baskets, tuple(map(tuple, holding)))
