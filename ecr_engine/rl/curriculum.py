"""The curriculum of reward weights: a pure function from progress to weights.

With t = (progress - from) / (until - from), cut to [0, 1], a component's weight is

    linear  start + (end - start) · t
    cosine  start + (end - start) · (1 - cos πt) / 2

A component without a ramp keeps its weight in `rewards`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ecr_engine.config.sections.curriculum import CurriculumSettings, Ramp

WeightsAt = Callable[[float], Mapping[str, float]]
"""Progress of the training, in [0, 1), to the weight of every component."""


def weights_at(progress: float, rewards: Mapping[str, float], ramps: Mapping[str, Ramp]) -> dict[str, float]:
    """The weight of every component at one moment of the training.

    Args:
        progress: share of the updates that are done, from 0 to 1.
        rewards: the components' own weights.
        ramps: how some of them move.
    """
    moved = {name: _weight(progress, ramp, rewards.get(name, 0.0)) for name, ramp in ramps.items()}
    return {**rewards, **moved}


def schedule(settings: CurriculumSettings, rewards: Mapping[str, float]) -> WeightsAt | None:
    """The weights of a training as a function of its progress; None if no weight moves.

    Args:
        settings: the section `[curriculum]`.
        rewards: the components' own weights.
    """
    ramps = settings.ramps
    return (lambda progress: weights_at(progress, rewards, ramps)) if ramps else None


def used_components(settings: CurriculumSettings, rewards: Mapping[str, float]) -> list[str]:
    """The components that have a weight above 0 at some time: what has to be there before the training begins.

    Args:
        settings: the section `[curriculum]`.
        rewards: the components' own weights.
    """
    ramps = settings.ramps
    return [
        name
        for name in dict.fromkeys([*rewards, *ramps])
        if any(weight > 0 for weight in _ends(ramps.get(name, Ramp()), rewards.get(name, 0.0)))
    ]


def _weight(progress: float, ramp: Ramp, weight: float) -> float:
    start, end = _ends(ramp, weight)
    share = min(1.0, max(0.0, (progress - ramp.begin) / (ramp.until - ramp.begin)))
    if ramp.shape == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return start + (end - start) * share


def _ends(ramp: Ramp, weight: float) -> tuple[float, float]:
    """The weights before and after a ramp; an end that is not set is the component's own weight."""
    return weight if ramp.start is None else ramp.start, weight if ramp.end is None else ramp.end
