"""hit@10: whether the first 10 movies that a response names hold one of the turn's, mentioned ones removed."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._hits import Hit
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric without the movies already mentioned."""
    return Hit(resources.knowledge, 10, mentioned=False)
