"""slot_f1: whether a response names a movie where the human did."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.evaluation.metric import Metric, MetricResult


class SlotF1:
    """F1 of the turns with a slot against the reference's turns with a slot."""

    name = "slot_f1"
    key = "slot_f1"
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "F1 of the turns whose response names a movie, against the turns whose reference does; for one turn, 1 if "
        "both or neither do and 0 otherwise."
    )
    source = "F1 of a binary label (van Rijsbergen 1979)"

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """F1 over the corpus (0 without a true positive), and the agreement of each sample (0 or 1)."""
        named = [SLOT in sample.response for sample in samples]
        wanted = [SLOT in sample.example.target for sample in samples]
        hits = sum(1 for n, w in zip(named, wanted, strict=True) if n and w)
        agreement = tuple(float(n == w) for n, w in zip(named, wanted, strict=True))
        return MetricResult(2 * hits / (sum(named) + sum(wanted)) if hits else 0.0, agreement)


def build() -> Metric:
    """The metric."""
    return SlotF1()
