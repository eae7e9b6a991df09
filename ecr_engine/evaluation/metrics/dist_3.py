"""dist@3: unique 3-grams for each non-empty response."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._diversity import Dist
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of order 3."""
    return Dist(3)
