"""length: how much a response says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.data.words import words
from ecr_engine.evaluation.metric import Metric, MetricResult


class Length:
    """Words of a response."""

    name = "length"
    key = "length"
    low = 0.0
    high = math.inf
    higher_is_better: bool | None = None
    explanation = "Words and punctuation marks of a response; a <movie> slot is one word."
    source = "this project's shared tokenisation"

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean number of words."""
        counts = tuple(float(len(words(sample.response))) for sample in samples)
        return MetricResult(sum(counts) / len(counts), counts)


def build() -> Metric:
    """The metric."""
    return Length()
