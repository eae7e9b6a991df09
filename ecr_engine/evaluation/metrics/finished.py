"""finished: whether responses end by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.resources import Resources


class Finished:
    """Share of responses that stop within the length limit."""

    name = "finished"
    key = "finished"
    family = Family.FORM
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = "Share of responses that end with the stop token within the length limit."
    source = "one minus completions/clipped_ratio of TRL"
    agrees_with = ""
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The share of samples that stopped, and 1 or 0 for each."""
        return mean_result([float(sample.finished) for sample in samples])


def build(resources: Resources) -> Metric:
    """The metric."""
    return Finished()
