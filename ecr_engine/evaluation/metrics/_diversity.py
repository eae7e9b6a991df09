"""Diversity over a corpus of responses, in the field's convention and per n-gram."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.corpus import Corpus, corpus_of
from ecr_engine.evaluation.metric import Family, MetricResult, Need


def _grams(corpus: Corpus, order: int) -> tuple[int, int]:
    """How many different n-grams the responses have together, and how many n-grams."""
    counts = corpus.response_counts(order)
    return len(set().union(*counts)), sum(count.total() for count in counts)


class Dist:
    """Unique n-grams for each response: the convention of UniCRS, ECR and CRSLab.

    It can exceed 1 and falls as a test set grows, so that it compares only responses to the same turns.

    Args:
        order: the n-gram order, at least 1.
    """

    family = Family.DIVERSITY
    low = 0.0
    high = math.inf
    higher_is_better: bool | None = True
    source = "UniCRS and ECR evaluators (dist@k)"
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, order: int) -> None:
        self._order = order
        self.name = f"dist_{order}"
        self.key = f"dist@{order}"
        self.explanation = (
            f"Number of unique {order}-grams in all responses together, divided by the number of non-empty responses "
            "(can exceed 1, and falls as the split grows)."
        )

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over the corpus; 0 if every response is empty."""
        corpus = corpus_of(samples)
        unique, _ = _grams(corpus, self._order)
        return MetricResult(unique / corpus.spoken if corpus.spoken else 0.0, ())


class Distinct:
    """Share of n-grams that are unique: the convention of Li et al.

    Args:
        order: the n-gram order, at least 1.
    """

    family = Family.DIVERSITY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    source = "Li et al. 2016, arXiv 1510.03055 (distinct-n)"
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, order: int) -> None:
        self._order = order
        self.name = f"distinct_{order}"
        self.key = f"distinct@{order}"
        self.explanation = f"Number of unique {order}-grams in all responses together, divided by the number of all."

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over the corpus; 0 if no response has an n-gram of this order."""
        unique, total = _grams(corpus_of(samples), self._order)
        return MetricResult(unique / total if total else 0.0, ())
