"""empathy: the three mechanisms of empathy together."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.emotion.empathy import EmpathyRecogniser
from ecr_engine.evaluation.corpus import corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.evaluation.metrics._mechanisms import SOURCE, levels_of
from ecr_engine.rewards.resources import Resources

MOST = 6
"""The sum of three levels of 2."""


class Empathy:
    """Sum of the levels of the three mechanisms as a share of the most that there can be.

    Args:
        recogniser: grades the mechanisms.
    """

    name = "empathy"
    key = "empathy"
    family = Family.EMPATHY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "Levels (0 to 2) of emotional reaction, interpretation and exploration, added up and divided by 6; averaged "
        "over the turns that answer the seeker. Unlike the reward component it has no caps and no penalties."
    )
    source = SOURCE
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, recogniser: EmpathyRecogniser) -> None:
        self._recogniser = recogniser

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean share; None for a turn that does not answer the seeker."""
        graded = levels_of(corpus_of(samples), self._recogniser)
        return mean_result([None if levels is None else sum(levels) / MOST for levels in graded])


def build(resources: Resources) -> Metric:
    """The metric."""
    return Empathy(resources.empathy)
