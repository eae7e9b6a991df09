"""item_ratio: how many movies a response names."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.rewards.resources import Resources


class ItemRatio:
    """Slots for each non-empty response."""

    name = "item_ratio"
    key = "item_ratio"
    family = Family.RECOMMENDATION
    low = 0.0
    high = math.inf
    higher_is_better: bool | None = True
    explanation = "Number of <movie> slots in the responses, divided by the number of non-empty responses."
    source = "UniCRS and ECR evaluators (item_ratio)"
    agrees_with = ""
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean number of slots; None for an empty response, and 0 over the corpus if all are empty."""
        slots = tuple(s.response.count(SLOT) if s.response.strip() else None for s in samples)
        spoken = [count for count in slots if count is not None]
        return MetricResult(sum(spoken) / len(spoken) if spoken else 0.0, slots)


def build(resources: Resources) -> Metric:
    """The metric."""
    return ItemRatio()
