"""The fitted model: weights, counts, and the map from its sums to [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecr_engine.data.schema import Example
from ecr_engine.rewards.relevance.features import Counts, Features, Scene, features, saying, scene

ENOUGH = 0.9
"""A response that ranks above this share of people's replies has the score 1."""

_STEEPEST = 700.0
"""Where the exponential still fits a double."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a sum becomes a score: by the share of people's replies that have a lower one.

    That share is smoothed by the logistic distribution, and capped: beyond `ENOUGH` nothing is to be gained.

    Attributes:
        middle: the median of the sums of people's replies.
        spread: the scale of their distribution, from its quartiles; above 0.
    """

    middle: float
    spread: float

    def score(self, total: float) -> float:
        """The score of a sum, in [0, 1]."""
        return min(1.0, self.share(total) / ENOUGH)

    def share(self, total: float) -> float:
        """The share of people's replies with a lower sum, in [0, 1]."""
        logit = (total - self.middle) / self.spread
        return 1 / (1 + math.exp(-logit)) if logit > -_STEEPEST else 0.0


@dataclass(frozen=True, slots=True)
class RelevanceModel:
    """A model that ranks responses in a dialogue.

    Attributes:
        weights: float32 [2 ** BITS], values of half precision: as the file keeps them.
        counts: what occurs in replies of the corpus.
        calibration: of sums to scores.
    """

    weights: NDArray[np.float32]
    counts: Counts
    calibration: Calibration

    def total(self, where: Scene, response: str) -> float | None:
        """The sum of the features' weights; None for a response without words."""
        said = saying(response, self.counts)
        return None if said is None else weighed(self.weights, features(where, said))

    def score(self, example: Example, response: str) -> float:
        """How likely a person gave this response here, in [0, 1]; 0 without words."""
        total = self.total(scene(example), response)
        return 0.0 if total is None else self.calibration.score(total)

    def share(self, example: Example, response: str) -> float | None:
        """The share of people's replies that fit their dialogue less; None for a response without words."""
        total = self.total(scene(example), response)
        return None if total is None else self.calibration.share(total)


def weighed(weights: NDArray[np.float32], found: Features) -> float:
    """The sum of weight times value."""
    return float(weights[found.index] @ found.value)
