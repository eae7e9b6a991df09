"""rouge_l: how much of the reference the response has in its order."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.corpus import corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.resources import Resources


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence of two lists of words.

    Bit-parallel (Crochemore et al. 2001): one integer holds a row of the table, a bit a word of `first`.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | (1 << place)
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(first) - row.bit_count()


def rouge_l(reference: Sequence[str], response: Sequence[str]) -> float:
    """F1 of the longest common subsequence, in [0, 1]; 0 if either has no words."""
    common = longest_common(reference, response)
    return 2 * common / (len(reference) + len(response)) if common else 0.0


class RougeL:
    """ROUGE-L F1, averaged over responses."""

    name = "rouge_l"
    key = "rouge_l"
    family = Family.OVERLAP
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "F1 of the longest common subsequence of the words of response and reference, averaged over the responses "
        "that have a reference; no stemming."
    )
    source = "Lin 2004 (ROUGE-L)"
    agrees_with = "rouge-score: RougeScorer(['rougeL'], tokenizer=these words), fmeasure"
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean over responses; None for a sample without a reference."""
        corpus = corpus_of(samples)
        rows = zip(corpus.references, corpus.responses, strict=True)
        return mean_result([rouge_l(human, said) if human else None for human, said in rows])


def build(resources: Resources) -> Metric:
    """The metric."""
    return RougeL()
