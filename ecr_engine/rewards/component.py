"""What a reward component is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ecr_engine.data.schema import Sample
from ecr_engine.registry import Registry


class RewardComponent(Protocol):
    """One part of the composite reward.

    Attributes:
        name: the registered name (the file's name).
        low: the least score it can give.
        high: the greatest score it can give.
        explanation: one sentence that says what it measures.

    A component with `high = 0` is a penalty. Greater is always better.
    """

    name: str
    low: float
    high: float
    explanation: str

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """One score in [low, high] for each sample, None where the component does not apply to the sample.

        A sample's score depends on that sample alone, never on the rest of the batch.
        """


COMPONENTS: Registry[RewardComponent] = Registry("ecr_engine.rewards.components", "reward component")
