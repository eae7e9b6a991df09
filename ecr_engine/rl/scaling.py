"""Scores brought to a scale of their own: divided by their running standard deviation, and clipped.

Advantages depend on how far apart scores are, not on where they lie, so the mean is never taken off (Engstrom et al.,
"Implementation Matters in Deep Policy Gradients", arXiv 2005.12729, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_STD = 1e-8
"""Scores that vary less are all the same: the rounding that is left is no scale to divide by."""


@dataclass(slots=True)
class RunningStatistics:
    """Mean and variance of all numbers seen so far, by the update of Chan et al. (1979); part of a training's state.

    Attributes:
        count: how many there were.
        mean: their mean.
        squares: sum of squared differences to the mean.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @property
    def std(self) -> float:
        """The standard deviation of all of them as a population; 1 as long as they have not varied."""
        found = (self.squares / self.count) ** 0.5 if self.count else 0.0
        return found if found > LEAST_STD else 1.0

    def add(self, values: Sequence[float]) -> None:
        """Takes in a batch."""
        total = self.count + len(values)
        mean = sum(values) / len(values)
        gap = mean - self.mean
        self.squares += sum((value - mean) ** 2 for value in values) + gap**2 * self.count * len(values) / total
        self.mean += gap * len(values) / total
        self.count = total


@dataclass(slots=True)
class ScoreScaling:
    """What is done to the scores of a batch before they are shaped.

    Attributes:
        running: whether scores are divided by their running standard deviation, this batch's included.
        clip: scores are kept within this of 0 afterwards; None for no clipping.
        statistics: of the scores so far.
    """

    running: bool
    clip: float | None
    statistics: RunningStatistics

    def apply(self, scores: Sequence[float]) -> list[float]:
        """The scores of a batch on their new scale, in the same order.

        Args:
            scores: one an episode, the penalty for a missing stop token taken off.
        """
        if self.running:
            self.statistics.add(scores)
        scale = self.statistics.std if self.running else 1.0
        bound = float("inf") if self.clip is None else self.clip
        return [min(max(score / scale, -bound), bound) for score in scores]
