"""finished: whether responses end by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.metric import Metric, MetricResult


class Finished:
    """Share of responses that stop within the length limit."""

    name = "finished"
    key = "finished"
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = "Share of responses that end with the stop token within the length limit."
    source = "one minus completions/clipped_ratio of TRL"

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The share of samples that stopped, and 1 or 0 for each."""
        stopped = tuple(float(sample.finished) for sample in samples)
        return MetricResult(sum(stopped) / len(stopped), stopped)


def build() -> Metric:
    """The metric."""
    return Finished()
