"""empathy/exploration: the level of one mechanism of empathy."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._mechanisms import Mechanism
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of one mechanism."""
    return Mechanism(resources.empathy, "exploration")
