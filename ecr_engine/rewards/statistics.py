"""What a batch of rewards is made of, for events and reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from ecr_engine.rewards.composition import CompositeReward


@dataclass(frozen=True, slots=True)
class ComponentStatistics:
    """One component over a batch; samples to which it does not apply are left out of mean and deviation.

    Attributes:
        mean: mean score.
        std: standard deviation of the scores, as of a whole population.
        share: of the total, in [0, 1]: the sum of the sizes of its contributions, penalties without their sign, among
            the sums of all components; the shares of a batch sum to 1, or are all 0 where nothing contributes.
        difference: mean score less the baseline's; None if the baseline's is not known.
    """

    mean: float
    std: float
    share: float
    difference: float | None


def component_statistics(reward: CompositeReward, baseline: Mapping[str, float]) -> dict[str, ComponentStatistics]:
    """The statistics of each component that applies to a sample of the batch.

    Args:
        reward: the rewards of the batch; it holds what each component contributes under the weights.
        baseline: the baseline's mean score by component.
    """
    sizes = {name: math.fsum(map(abs, column)) for name, column in reward.contributions.items()}
    whole = math.fsum(sizes.values())
    found = {}
    for name, column in reward.components.items():
        known = [score for score in column if score is not None]
        if known:
            mean = fmean(known)
            found[name] = ComponentStatistics(
                mean=mean,
                std=math.sqrt(fmean([(score - mean) ** 2 for score in known])),
                share=sizes[name] / whole if whole else 0.0,
                difference=mean - baseline[name] if name in baseline else None,
            )
    return found
