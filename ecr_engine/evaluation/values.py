"""The value of a metric in an evaluation, and how it relates to its values on single turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecr_engine.evaluation.statistics import Interval, Matrix

OBJECTIVE = "reward"
"""Key of the composite reward: the objective of the training, measured on held-out turns."""

COMPONENT_PREFIX = "reward/"
"""Keys of the reward components start with this."""

MEAN_TOLERANCE = 1e-9
"""A corpus value this close to the mean of its per-sample values is that mean, and has a bootstrap interval."""


@dataclass(frozen=True, slots=True)
class MetricValue:
    """The value of one metric in one evaluation.

    Attributes:
        value: over all turns; None where no turn has a value.
        interval: bootstrap interval over dialogues; None where the value is not a mean over turns.
        higher_is_better: the direction; None if neither direction is better.
        low: the least possible value, `-inf` if unbounded.
        high: the greatest possible value, `inf` if unbounded.
        in_reward: whether the reward pays for it (the reward itself, its components, and what they measure).
        explanation: the definition in one sentence.
    """

    value: float | None
    interval: Interval | None
    higher_is_better: bool | None
    low: float
    high: float
    in_reward: bool
    explanation: str


def column(values: Sequence[float | None]) -> Matrix:
    """Per-sample values as an array [samples], NaN for None."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def is_mean(corpus: float | None, per_sample: Sequence[float | None]) -> bool:
    """Whether a corpus value is the mean of its per-sample values, so that resampling them is resampling it."""
    average = mean(per_sample)
    if corpus is None or average is None:
        return False
    return math.isclose(corpus, average, rel_tol=MEAN_TOLERANCE, abs_tol=MEAN_TOLERANCE)


def mean(per_sample: Sequence[float | None]) -> float | None:
    """The mean of the values that are there and finite; None if none is."""
    known = [value for value in per_sample if value is not None and math.isfinite(value)]
    if not known:
        return None
    try:
        return math.fsum(known) / len(known)
    except OverflowError:
        return math.fsum(value / len(known) for value in known)
