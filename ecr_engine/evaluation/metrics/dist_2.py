"""dist@2: unique 2-grams for each non-empty response."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._diversity import Dist
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of order 2."""
    return Dist(2)
