"""`recommendation`: whether the response names a movie where a human did, and as many."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.rewards.component import RewardComponent


class Recommendation:
    """Agreement with the reference on the number of `<movie>` slots."""

    name = "recommendation"
    low = 0.0
    high = 1.0
    explanation = "agreement with the human reference on whether to name movies, and how many"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """Slot agreement of each response; None where there is no reference."""
        return [_score(sample) for sample in batch]


def slot_agreement(got: int, want: int) -> float:
    """`1 - |got - want| / max(got, want)`, in [0, 1]; 1 if both are 0."""
    return 1.0 - abs(got - want) / max(got, want, 1)


def _score(sample: Sample) -> float | None:
    target = sample.example.target
    return slot_agreement(sample.response.count(SLOT), target.count(SLOT)) if target.strip() else None


def build() -> RewardComponent:
    """The component."""
    return Recommendation()
