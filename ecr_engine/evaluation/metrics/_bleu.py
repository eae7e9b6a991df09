"""BLEU of one n-gram order for one response, averaged over responses, as CRSLab, UniCRS and ECR report it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.data.words import words
from ecr_engine.evaluation.metric import MetricResult
from ecr_engine.evaluation.metrics._ngrams import ngrams


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
    found = Counter(ngrams(response, order))
    if not found:
        return 0.0
    matched = sum((found & Counter(ngrams(reference, order))).values())
    brevity = 1.0 if len(response) > len(reference) else math.exp(1.0 - len(reference) / len(response))
    return brevity * matched / sum(found.values())


class IndividualBleu:
    """BLEU of one n-gram order.

    Args:
        order: the n-gram order, from 1 to 4.
    """

    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    source = "CRSLab, UniCRS and ECR evaluators: nltk sentence_bleu with all the weight on one order"

    def __init__(self, order: int) -> None:
        self._order = order
        self.name = f"bleu_{order}"
        self.key = f"bleu@{order}"
        self.explanation = (
            f"Share of the response's {order}-grams that are in the reference (clipped, unsmoothed), times the brevity "
            "penalty; averaged over the responses that have a reference, an empty response counting 0."
        )

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean over responses; None for a sample without a reference.

        The corpus value is 0 if no sample has a reference.
        """
        scores = tuple(self._score(sample) for sample in samples)
        known = [score for score in scores if score is not None]
        return MetricResult(math.fsum(known) / len(known) if known else 0.0, scores)

    def _score(self, sample: Sample) -> float | None:
        reference = words(sample.example.target)
        return individual_bleu(reference, words(sample.response), self._order) if reference else None
