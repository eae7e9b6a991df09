"""BLEU@3: the individual 3-gram precision score, averaged over responses."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._bleu import IndividualBleu
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of order 3."""
    return IndividualBleu(3)
