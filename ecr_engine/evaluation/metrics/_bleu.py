"""BLEU of one n-gram order for one response, averaged over responses, as CRSLab, UniCRS and ECR report it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.corpus import Gram, corpus_of, ngrams
from ecr_engine.evaluation.metric import Family, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result


def individual_bleu(reference: Sequence[str], response: Sequence[str], order: int) -> float:
    """The clipped precision of the n-grams of one order, times the brevity penalty; unsmoothed.

    Equal to `nltk.translate.bleu_score.sentence_bleu` with all the weight on `order`.

    Args:
        reference: the words of the human response.
        response: the words of the generated response.
        order: the n-gram order, at least 1.

    Returns:
        A value in [0, 1].
    """
    found, wanted = Counter(ngrams(response, order)), Counter(ngrams(reference, order))
    return _bleu(found, wanted, len(response), len(reference))


def _bleu(found: Counter[Gram], wanted: Counter[Gram], length: int, reference_length: int) -> float:
    if not found:
        return 0.0
    matched = sum(min(found[gram], wanted[gram]) for gram in found.keys() & wanted.keys())
    return brevity(length, reference_length) * matched / found.total()


def brevity(length: int, reference_length: int) -> float:
    """BLEU's penalty for a response shorter than its reference, in (0, 1]; both lengths in words, not 0."""
    return 1.0 if length > reference_length else math.exp(1.0 - reference_length / length)


class IndividualBleu:
    """BLEU of one n-gram order.

    Args:
        order: the n-gram order, from 1 to 4.
    """

    family = Family.OVERLAP
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    source = "CRSLab, UniCRS and ECR evaluators"
    needs = Need.NOTHING

    def __init__(self, order: int) -> None:
        self._order = order
        self.name = f"bleu_{order}"
        self.key = f"bleu@{order}"
        self.explanation = (
            f"Share of the response's {order}-grams that are in the reference (clipped, unsmoothed), times the brevity "
            "penalty; averaged over the responses that have a reference, an empty response counting 0."
        )
        self.agrees_with = f"nltk sentence_bleu on the same words, all the weight on {order}-grams"

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean over responses; None for a sample without a reference."""
        corpus = corpus_of(samples)
        rows = zip(
            corpus.response_counts(self._order),
            corpus.reference_counts(self._order),
            corpus.responses,
            corpus.references,
            strict=True,
        )
        return mean_result(
            [_bleu(found, wanted, len(said), len(human)) if human else None for found, wanted, said, human in rows]
        )
