"""length: how much a response says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.corpus import corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.resources import Resources


class Length:
    """Words of a response."""

    name = "length"
    key = "length"
    family = Family.FORM
    low = 0.0
    high = math.inf
    higher_is_better: bool | None = None
    explanation = "Words and punctuation marks of a response; a <movie> slot is one word."
    source = "this project's shared tokenisation"
    agrees_with = ""
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean number of words."""
        return mean_result([float(len(tokens)) for tokens in corpus_of(samples).responses])


def build(resources: Resources) -> Metric:
    """The metric."""
    return Length()
