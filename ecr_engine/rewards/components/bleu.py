"""`bleu`: how much of the response's wording is the reference's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ecr_engine.data.schema import Sample
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources

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

    def explain(self, sample: Sample) -> str:
        """How many words and pairs of the response match."""
        reference, response = cut(sample.example.target), cut(sample.response)
        if not reference:
            return "no reference"
        unigrams, pairs = _known_words(reference, response)
        bigrams = _known_pairs(reference, pairs) if pairs else 0
        shared = f"{unigrams} of {len(response)} words and {bigrams} of {max(0, len(response) - 1)} pairs"
        short = len(response) <= len(reference)
        return f"{shared} shared" + (f", {len(response)} words to the reference's {len(reference)}" if short else "")


def bleu_2(reference: Sequence[str], response: Sequence[str]) -> float:
    """Sentence BLEU with weights (1/2, 1/2), brevity penalty and method-1 smoothing, in [0, 1].

    Equal to nltk's `sentence_bleu` with `SmoothingFunction().method1`. Source: Papineni et al., ACL 2002.

    Args:
        reference: words of the reference.
        response: words of the response.
    """
    unigrams, pairs = _known_words(reference, response)
    if not unigrams:
        return 0.0
    length = len(response)
    bigrams = _known_pairs(reference, pairs) if pairs else 0
    precision = unigrams / length * ((bigrams or EPSILON) / (length - 1 or 1))
    brevity = 1.0 if length > len(reference) else math.exp(1 - len(reference) / length)
    return brevity * math.sqrt(precision)


def _known_words(reference: Iterable[str], response: Iterable[str]) -> tuple[int, list[tuple[str, str]]]:
    """How many of the response's words match, each as often as in the reference at most, and its pairs of known words.

    Written for speed: no other pair can match, and they are few.
    """
    left: dict[str, int] = {}
    for word in reference:
        if word in left:
            left[word] += 1
        else:
            left[word] = 1
    matches = 0
    pairs: list[tuple[str, str]] = []
    before = None
    for word in response:
        if word in left:
            count = left[word]
            if count:
                left[word] = count - 1
                matches += 1
            if before is not None:
                pairs.append((before, word))
            before = word
        else:
            before = None
    return matches, pairs


def _known_pairs(reference: Iterable[str], pairs: Iterable[tuple[str, str]]) -> int:
    """How many of the response's pairs match, each as often as in the reference at most."""
    left: dict[tuple[str, str], int] = {}
    for pair in pairs:
        if pair in left:
            left[pair] += 1
        else:
            left[pair] = 1
    matches = 0
    for pair in [pair for pair in pairwise(reference) if pair in left]:
        count = left[pair]
        if count:
            left[pair] = count - 1
            matches += 1
    return matches


def _score(sample: Sample) -> float | None:
    reference = cut(sample.example.target)
    return bleu_2(reference, cut(sample.response)) if reference else None


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return Bleu()
