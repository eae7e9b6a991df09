"""repetition: how much of a response it, or the recommender before it, has already said."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.components.repetition import repeated_share, said_before_share
from ecr_engine.rewards.cutting import cut
from ecr_engine.rewards.resources import Resources


class Repetition:
    """Share of repeated talk."""

    name = "repetition"
    key = "repetition"
    family = Family.FORM
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = False
    explanation = (
        "Share of the response's runs of three words that come again in it, plus the share of its words in sentences "
        "that the recommender has said before, at most 1; averaged over the non-empty responses."
    )
    source = "this project's reward component repetition, with the other sign"
    agrees_with = ""
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean share; None for an empty response."""
        return mean_result([_share(sample) if sample.response.strip() else None for sample in samples])


def _share(sample: Sample) -> float:
    return min(1.0, repeated_share(cut(sample.response)) + said_before_share(sample.response, sample.example))


def build(resources: Resources) -> Metric:
    """The metric."""
    return Repetition()
