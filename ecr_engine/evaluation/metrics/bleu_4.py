"""BLEU@4: the individual 4-gram precision score, averaged over responses."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._bleu import IndividualBleu
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of order 4."""
    return IndividualBleu(4)
