"""`bleu`: how much of the response's wording is the reference's."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

from ecr_engine.data.schema import Sample
from ecr_engine.data.words import words
from ecr_engine.rewards.component import RewardComponent

EPSILON = 0.1
"""Matches that an n-gram order without any match is given (method 1 of Chen and Cherry, WMT 2014)."""


class Bleu:
    """Sentence BLEU of the response's words against the reference's, orders 1 and 2."""

    name = "bleu"
    low = 0.0
    high = 1.0
    explanation = "words and word pairs shared with the human reference (sentence BLEU, orders 1 and 2, smoothed)"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """BLEU-2 of each response; None where there is no reference."""
        return [_score(sample) for sample in batch]


def bleu_2(reference: Sequence[str], response: Sequence[str]) -> float:
    """Sentence BLEU with weights (1/2, 1/2), brevity penalty and method-1 smoothing, in [0, 1].

    Equal to nltk's `sentence_bleu` with `SmoothingFunction().method1`. Source: Papineni et al., ACL 2002.

    Args:
        reference: words of the reference.
        response: words of the response.
    """
    unigrams = _matches(reference, response)
    if not unigrams:
        return 0.0
    bigrams = _matches(pairwise(reference), pairwise(response))
    length = len(response)
    first = unigrams / length
    second = (bigrams or EPSILON) / max(1, length - 1)
    brevity = 1.0 if length > len(reference) else math.exp(1 - len(reference) / length)
    return brevity * math.exp(0.5 * math.log(first) + 0.5 * math.log(second))


def _matches(reference: Iterable[Hashable], response: Iterable[Hashable]) -> int:
    """Items of the response that the reference has too, each as often as in the reference at most."""
    left: dict[Hashable, int] = {}
    for item in reference:
        left[item] = left.get(item, 0) + 1
    matches = 0
    for item in response:
        count = left.get(item)
        if count:
            left[item] = count - 1
            matches += 1
    return matches


def _score(sample: Sample) -> float | None:
    reference = words(sample.example.target)
    return bleu_2(reference, words(sample.response)) if reference else None


def build() -> RewardComponent:
    """The component."""
    return Bleu()
