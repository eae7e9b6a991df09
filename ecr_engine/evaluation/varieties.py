"""How sure counts of different n-grams are, and what is divided by them: `dist@n` and `distinct@n`.

A bootstrap can't tell: a dialogue that is drawn twice adds no new n-gram, so resamples have fewer kinds than the
responses that they are drawn from. Leaving one dialogue out can: the kinds that go are those that no other dialogue
has. The variance is that of the jackknife over dialogues, which on average is not too small for any statistic (Efron
and Stein 1981); interval and p value are those of the normal distribution.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ecr_engine.evaluation.draws import Matrix
from ecr_engine.evaluation.statistics import Interval, Uncertainty

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Variety:
    """The kinds in the responses of one system.

    Attributes:
        kinds: different n-grams in all responses together.
        own: those that are in one dialogue alone, by dialogue, [clusters].
        size: what the kinds are divided by, by dialogue, [clusters]: responses, or n-grams.
    """

    kinds: int
    own: Matrix
    size: Matrix

    def value(self) -> float:
        """Kinds for each unit of size; 0 where there is none."""
        total = float(self.size.sum())
        return self.kinds / total if total else 0.0

    def left_out(self) -> Matrix:
        """The value without each dialogue, [clusters]; 0 where nothing is left."""
        rest: Matrix = self.size.sum() - self.size
        return np.divide(self.kinds - self.own, rest, out=np.zeros(len(rest)), where=rest > 0)


def kinds_of(turns: Sequence[Iterable[Hashable]], place: Places, clusters: int) -> tuple[int, Matrix]:
    """How many different things turns have, and how many of them one dialogue alone has, [clusters].

    Args:
        turns: the things of each turn; each may be there more than once.
        place: which dialogue each turn is of, from 0, [turns].
        clusters: number of dialogues.
    """
    first: dict[Hashable, int] = {}
    shared: set[Hashable] = set()
    for things, dialogue in zip(turns, place.tolist(), strict=True):
        for thing in things:
            if first.setdefault(thing, dialogue) != dialogue:
                shared.add(thing)
    own = np.fromiter((dialogue for thing, dialogue in first.items() if thing not in shared), dtype=np.int64)
    return len(first), np.bincount(own, minlength=clusters).astype(np.float64)


def variety_uncertainty(a: Sequence[Variety], b: Sequence[Variety], confidence: float) -> Uncertainty:
    """Intervals and p value of two systems' values; where a side has several seeds, of their means.

    Args:
        a: the first system, by seed.
        b: the second system, by seed, over the same dialogues.
        confidence: confidence of the intervals.

    Returns:
        The intervals, all None with fewer than two dialogues.
    """
    if len(a[0].own) < 2:
        return Uncertainty(None, None, None, None)
    values = [np.array([one.value() for one in side]) for side in (a, b)]
    left_out = [np.mean([one.left_out() for one in side], axis=0) for side in (a, b)]
    seeds = [float(side.var(ddof=1)) / len(side) if len(side) > 1 else 0.0 for side in values]
    errors = [math.sqrt(_jackknife(rest) + seed) for rest, seed in zip(left_out, seeds, strict=True)]
    error = math.sqrt(_jackknife(left_out[1] - left_out[0]) + sum(seeds))
    first, second = (float(side.mean()) for side in values)
    return Uncertainty(
        _around(first, errors[0], confidence),
        _around(second, errors[1], confidence),
        _around(second - first, error, confidence),
        _p(second - first, error),
    )


def _jackknife(left_out: Matrix) -> float:
    """The jackknife's variance of a value, from the values without each dialogue."""
    return float((len(left_out) - 1) * left_out.var())


def _around(value: float, error: float, confidence: float) -> Interval:
    reach = NormalDist().inv_cdf(0.5 + confidence / 2.0) * error
    return Interval(value - reach, value + reach)


def _p(difference: float, error: float) -> float | None:
    """Two-sided p value; None where a difference does not vary at all, so that nothing can be said."""
    if not difference:
        return 1.0
    return 2.0 * NormalDist().cdf(-abs(difference) / error) if error else None
