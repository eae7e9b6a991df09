"""slot_f1: whether a response names a movie where the human did."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.rewards.resources import Resources


class SlotF1:
    """F1 of the turns with a slot against the reference's turns with a slot."""

    name = "slot_f1"
    key = "slot_f1"
    family = Family.RECOMMENDATION
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "F1 of the turns whose response names a movie, against the turns whose reference does; for one turn, 1 if "
        "both or neither do and 0 otherwise. Turns without a reference are left out."
    )
    source = "F1 of a binary label (van Rijsbergen 1979)"
    agrees_with = ""
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """F1 over the corpus (0 without a true positive), and the agreement of each sample (0 or 1)."""
        pairs = [
            (SLOT in sample.response, SLOT in sample.example.target) if sample.example.target.strip() else None
            for sample in samples
        ]
        known = [pair for pair in pairs if pair is not None]
        agreement = tuple(None if pair is None else float(pair[0] == pair[1]) for pair in pairs)
        if not known:
            return MetricResult(math.nan, agreement)
        hits = sum(1 for named, wanted in known if named and wanted)
        total = sum(named + wanted for named, wanted in known)
        return MetricResult(2 * hits / total if hits else 0.0, agreement)


def build(resources: Resources) -> Metric:
    """The metric."""
    return SlotF1()
