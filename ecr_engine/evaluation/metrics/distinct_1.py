"""distinct@1: the share of 1-grams that are unique."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._diversity import Distinct
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of order 1."""
    return Distinct(1)
