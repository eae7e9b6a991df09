"""self_bleu: how much responses repeat each other."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.corpus import Corpus, Gram, corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._bleu import brevity
from ecr_engine.rewards.resources import Resources

ORDER = 4
"""Longest n-grams."""

SMALL = 0.1
"""What counts as matched where nothing is: `method1` of nltk's smoothing."""


class SelfBleu:
    """Mean BLEU-4 of each response against all the others."""

    name = "self_bleu"
    key = "self_bleu"
    family = Family.DIVERSITY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = False
    explanation = (
        "BLEU of 1- to 4-grams of each response with all other non-empty responses as its references, averaged over "
        "the non-empty responses: 1 if all say the same."
    )
    source = "Zhu et al. 2018, arXiv 1802.01886 (Texygen)"
    agrees_with = "nltk sentence_bleu on the same words, smoothing method1"
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean over the corpus; NaN if fewer than two responses have words."""
        scores = [score for score in each_against_the_others(samples) if score is not None]
        return MetricResult(math.fsum(scores) / len(scores) if len(scores) > 1 else math.nan, ())


def each_against_the_others(samples: Sequence[Sample]) -> list[float | None]:
    """BLEU-4 of each response with all the others as its references, [samples]; None for one without words.

    Args:
        samples: the responses; one alone has nothing to be compared with, and scores 0.
    """
    corpus = corpus_of(samples)
    others = _Others(corpus)
    return [others.bleu(row) if said else None for row, said in enumerate(corpus.responses)]


class _Others:
    """All responses but one, for each of them, without comparing every pair.

    What clips the count of an n-gram is its highest count in any other response: the highest of all, or the second
    highest for the response that has the highest.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._counts = [corpus.response_counts(order) for order in range(1, ORDER + 1)]
        self._tops = [_tops(counts) for counts in self._counts]
        self._sizes = [len(said) for said in corpus.responses]
        self._tally = Counter(size for size in self._sizes if size)
        self._lengths = sorted(self._tally)

    def bleu(self, row: int) -> float:
        """BLEU of one response that has words."""
        logs = math.fsum(math.log(self._precision(row, order)) for order in range(ORDER)) if self._words(row) else None
        if logs is None:
            return 0.0
        return brevity(self._sizes[row], self._closest(self._sizes[row])) * math.exp(logs / ORDER)

    def _words(self, row: int) -> bool:
        """Whether any word of a response is in another: else nltk gives 0, whatever the smoothing."""
        return self._matched(row, 0) > 0

    def _precision(self, row: int, order: int) -> float:
        return (self._matched(row, order) or SMALL) / max(1, self._counts[order][row].total())

    def _matched(self, row: int, order: int) -> int:
        tops, total = self._tops[order], 0
        for gram, count in self._counts[order][row].items():
            highest, holder, second = tops[gram]
            total += min(count, second if holder == row else highest)
        return total

    def _closest(self, size: int) -> int:
        """The length among the others that is nearest to a response's, of two the shorter."""
        if self._tally[size] > 1:
            return size
        place = bisect_left(self._lengths, size)
        near = self._lengths[max(0, place - 1) : place] + self._lengths[place + 1 : place + 2]
        return min(near, key=lambda length: (abs(length - size), length))


def _tops(counts: Sequence[Counter[Gram]]) -> dict[Gram, tuple[int, int, int]]:
    """For each n-gram its highest count in a response, which one has it, and the highest in any other."""
    tops: dict[Gram, tuple[int, int, int]] = {}
    for row, found in enumerate(counts):
        for gram, count in found.items():
            known = tops.get(gram)
            if known is None:
                tops[gram] = (count, row, 0)
            elif count > known[0]:
                tops[gram] = (count, row, known[0])
            elif count > known[2]:
                tops[gram] = (known[0], known[1], count)
    return tops


def build(resources: Resources) -> Metric:
    """The metric."""
    return SelfBleu()
