"""`distinct`: how little the response repeats itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.data.words import is_word, words
from ecr_engine.rewards.component import RewardComponent

LEAST_WORDS = 6
"""A response is counted as if it had at least so many words, so that a stub is not diverse."""

FRESH_SLOTS = 3
"""So many slots stand for different movies; further ones count as repetitions."""


class Distinct:
    """Share of different words and word pairs within one response."""

    name = "distinct"
    low = 0.0
    high = 1.0
    explanation = f"share of different words and word pairs in the response, counted over {LEAST_WORDS} words at least"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Mean of the shares of distinct words and of distinct pairs of each response; 0 if it has no words."""
        return [distinct_share(words(sample.response)) for sample in batch]


def distinct_share(tokens: Iterable[str]) -> float:
    """Mean of the shares of distinct words and distinct pairs, in [0, 1]; punctuation marks do not count.

    Args:
        tokens: as `words` gives them.
    """
    said = list(_with_numbered_slots(token for token in tokens if is_word(token)))
    pairs = list(pairwise(said))
    singles = len(set(said)) / max(len(said), LEAST_WORDS)
    doubles = len(set(pairs)) / max(len(pairs), LEAST_WORDS - 1)
    return (singles + doubles) / 2


def _with_numbered_slots(said: Iterable[str]) -> Iterable[str]:
    seen = 0
    for word in said:
        if word == SLOT:
            seen = min(seen + 1, FRESH_SLOTS)
        yield f"{word}{seen}" if word == SLOT else word


def build() -> RewardComponent:
    """The component."""
    return Distinct()
