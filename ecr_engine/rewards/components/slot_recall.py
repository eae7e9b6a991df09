"""`slot_recall`: whether the response names movies where a human did.

`recommendation` counts agreement on silence as much as agreement on a movie. Where nobody can know whether a human
would name one it pays most to keep silent, and a policy trained on it alone names too few. This component looks at the
turns in which the human names movies, and no others.
"""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import SLOT, Sample
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources


class SlotRecall:
    """Share of the reference's `<movie>` slots that the response has too."""

    name = "slot_recall"
    low = 0.0
    high = 1.0
    explanation = "how many of the movies that the human reference names the response has slots for"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The share of each response; None where the reference has no slot."""
        return [_share(one) for one in batch]

    def explain(self, sample: Sample) -> str:
        """The numbers of slots."""
        wanted = sample.example.target.count(SLOT)
        return f"{sample.response.count(SLOT)} of the reference's {wanted}" if wanted else "the reference has no slot"


def _share(sample: Sample) -> float | None:
    wanted = sample.example.target.count(SLOT)
    return min(sample.response.count(SLOT), wanted) / wanted if wanted else None


def build(resources: Resources) -> RewardComponent:
    """The component."""
    return SlotRecall()
