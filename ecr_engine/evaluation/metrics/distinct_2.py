"""distinct@2: the share of 2-grams that are unique."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._diversity import Distinct
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of order 2."""
    return Distinct(2)
