"""What a metric is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ecr_engine.data.schema import Sample
from ecr_engine.registry import Registry


@dataclass(frozen=True, slots=True)
class MetricResult:
    """The value of one metric.

    Attributes:
        corpus: the value over all samples.
        per_sample: one value a sample; None where the metric does not apply to the sample. Empty for a metric that
            exists only over a corpus.
    """

    corpus: float
    per_sample: tuple[float | None, ...]


class Metric(Protocol):
    """A measure of generated responses.

    Attributes:
        name: the registered name, also the key in results (`bleu_1` is written `bleu@1` where a file name can't be).
        key: the key in results.json and tables.
        low: the least possible value.
        high: the greatest possible value (`inf` if unbounded).
        higher_is_better: the direction; None if neither direction is better.
        explanation: the definition in one sentence.
        source: the paper or tool whose definition it follows.
    """

    name: str
    key: str
    low: float
    high: float
    higher_is_better: bool | None
    explanation: str
    source: str

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The metric over `samples` (at least one)."""


METRICS: Registry[Metric] = Registry("ecr_engine.evaluation.metrics", "metric")
