"""hit_all@1: as hit@1, with the movies that the dialogue has already mentioned."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._hits import Hit
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric with the movies already mentioned."""
    return Hit(resources.knowledge, 1, mentioned=True)
