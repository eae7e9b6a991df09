"""`distinct`: how little the response repeats itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.data.words import is_word
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources

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
        return [distinct_share(cut(sample.response)) for sample in batch]

    def explain(self, sample: Sample) -> str:
        """How many words and pairs are different."""
        said = list(with_numbered_slots(token for token in cut(sample.response) if is_word(token)))
        pairs = list(pairwise(said))
        counts = f"{len(set(said))} of {len(said)} words and {len(set(pairs))} of {len(pairs)} pairs different"
        return f"{counts}, counted as of {LEAST_WORDS} words" if len(said) < LEAST_WORDS else counts


def distinct_share(tokens: Iterable[str]) -> float:
    """Mean of the shares of distinct words and distinct pairs, in [0, 1]; punctuation marks do not count.

    Args:
        tokens: as `ecr_engine.data.words.words` gives them.
    """
    said = list(with_numbered_slots(token for token in tokens if is_word(token)))
    pairs = list(pairwise(said))
    singles = len(set(said)) / max(len(said), LEAST_WORDS)
    doubles = len(set(pairs)) / max(len(pairs), LEAST_WORDS - 1)
    return (singles + doubles) / 2


def with_numbered_slots(said: Iterable[str]) -> Iterable[str]:
    """Words in which the first `FRESH_SLOTS` slots are different words, and further ones equal the last of these."""
    seen = 0
    for word in said:
        if word == SLOT:
            seen = min(seen + 1, FRESH_SLOTS)
        yield f"{word}{seen}" if word == SLOT else word


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return Distinct()
