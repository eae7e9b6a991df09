"""How far two judges agree, or a judge and people.

All statistics are functions of sums over items, so that all resamples of all of them are one matrix product. Intervals
are percentile bootstrap intervals that draw whole dialogues, since responses within one are not independent (Davison
and Hinkley 1997, chapter 3.8). Ranks are those of all items and are not drawn anew.

| statistic | what it is |
|---|---|
| pearson | linear correlation |
| spearman | the same of the ranks; ties have their mean rank |
| kappa | quadratic-weighted kappa (Cohen 1968) of the scores, each taken to the nearest rating of its dimensions |
| difference | mean of the second judge's score less the first one's |
| limits | difference ± 1.96 standard deviations of the differences (Bland and Altman 1986) |
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecr_engine.scoring.dimensions import DimensionSet
from ecr_engine.scoring.items import Item, JudgedFile, Key

Matrix = NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
LIMIT = 1.959963984540054
"""Standard deviations that hold 95 % of a normal distribution."""

CHUNK_CELLS = 4_000_000
"""Cells of a block of resamples that is held at a time (32 MB)."""

STATISTICS = ("pearson", "spearman", "kappa", "difference", "low_limit", "high_limit")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with its interval.

    Attributes:
        value: its value; None where it does not exist, as a correlation with a constant.
        interval: 95 % bootstrap interval; None with fewer than two dialogues, or without a value.
    """

    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class DimensionAgreement:
    """Two judges on one dimension, over the items that both scored.

    Attributes:
        dimension: its name.
        items: how many those are.
        mean_a: mean of the first.
        mean_b: mean of the second.
        pearson: see the module; and so on.
        spearman: see the module.
        kappa: see the module.
        difference: see the module.
        low_limit: lower limit of agreement.
        high_limit: upper limit of agreement.
    """

    dimension: str
    items: int
    mean_a: float | None
    mean_b: float | None
    pearson: Estimate
    spearman: Estimate
    kappa: Estimate
    difference: Estimate
    low_limit: Estimate
    high_limit: Estimate


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two judges.

    Attributes:
        a: name of the first.
        b: name of the second.
        both: items that are in both files.
        only_a: items that only the first file has.
        only_b: items that only the second file has.
        unscored: items of both files that one of them could not score.
        dimensions: one entry for each dimension that both score.
    """

    a: str
    b: str
    both: int
    only_a: int
    only_b: int
    unscored: int
    dimensions: tuple[DimensionAgreement, ...]


def agreement(a: JudgedFile, b: JudgedFile, *, resamples: int = RESAMPLES, seed: int = 0) -> PairAgreement:
    """How far two files agree.

    Args:
        a: the first.
        b: the second, on the same dimensions.
        resamples: bootstrap resamples.
        seed: of the resampling.
    """
    shared = [key for key in a.items if key in b.items]
    found = []
    for name in a.dimensions.names:
        left, right = a.column(name), b.column(name)
        if left and right:
            keys = [key for key in shared if key in left and key in right]
            found.append(_agreement(name, a.dimensions, keys, left, right, a.items, resamples, seed))
    unscored = sum(1 for key in shared if not (_is_scored(a.items[key]) and _is_scored(b.items[key])))
    return PairAgreement(
        a=a.name,
        b=b.name,
        both=len(shared),
        only_a=len(a.items) - len(shared),
        only_b=len(b.items) - len(shared),
        unscored=unscored,
        dimensions=tuple(found),
    )


def nearest_ratings(scores: Matrix, name: str, dimensions: DimensionSet) -> Matrix:
    """Scores taken to the nearest rating of their dimensions; what lies in the middle goes up.

    Args:
        scores: [items].
        name: the dimension.
        dimensions: its set.
    """
    dimension = dimensions.dimension(name)
    first, last = dimensions.ratings[0], dimensions.ratings[-1]
    exact = first + (scores - dimension.low) / (dimension.high - dimension.low) * (last - first)
    # A score that was written in decimals may lie a hair below the middle it stands for.
    found: Matrix = np.floor(exact + 0.5 + 1e-9)
    return found


def _is_scored(item: Item) -> bool:
    return not all(map(math.isnan, item.scores))


def _agreement(
    name: str,
    dimensions: DimensionSet,
    keys: Sequence[Key],
    left: Mapping[Key, float],
    right: Mapping[Key, float],
    items: Mapping[Key, Item],
    resamples: int,
    seed: int,
) -> DimensionAgreement:
    from scipy.stats import rankdata

    if not keys:
        return DimensionAgreement(name, 0, None, None, *(Estimate(None, None) for _ in STATISTICS))
    a = np.array([left[key] for key in keys])
    b = np.array([right[key] for key in keys])
    pairs = (
        (a, b),
        (rankdata(a), rankdata(b)),
        (nearest_ratings(a, name, dimensions), nearest_ratings(b, name, dimensions)),
    )
    sums = _by_dialogue(_products(pairs), [items[key].conversation_id for key in keys])
    values = statistics_of(sums.sum(axis=0, keepdims=True))
    drawn = np.vstack([statistics_of(block) for block in _resampled(sums, resamples, seed)])
    estimates = [_estimate(float(values[0, place]), drawn[:, place], len(sums)) for place in range(len(STATISTICS))]
    return DimensionAgreement(name, len(keys), float(a.mean()), float(b.mean()), *estimates)


def _products(pairs: Sequence[tuple[Matrix, Matrix]]) -> Matrix:
    """What is summed, [items, 1 + 5 pairs]: ones, and of each pair x, y, xx, yy, xy.

    Both are moved by one number, so that squares of far numbers do not swallow what lies between them.
    """
    columns = [np.ones(len(pairs[0][0]))]
    for first, second in pairs:
        middle = (first.mean() + second.mean()) / 2.0
        x, y = first - middle, second - middle
        columns += [x, y, x * x, y * y, x * y]
    return np.stack(columns, axis=1)


def _by_dialogue(products: Matrix, dialogues: Sequence[str]) -> Matrix:
    """Sums of the rows of each dialogue, [dialogues, columns]."""
    names, place = np.unique(np.asarray(dialogues, dtype=str), return_inverse=True)
    total = np.zeros((len(names), products.shape[1]))
    np.add.at(total, place, products)
    return total


def _resampled(sums: Matrix, resamples: int, seed: int) -> Iterator[Matrix]:
    """Sums over each resample of dialogues, [some resamples, columns] at a time."""
    rng = np.random.default_rng(seed)
    count = len(sums)
    size = max(1, CHUNK_CELLS // count)
    for start in range(0, resamples, size):
        block = min(size, resamples - start)
        drawn = rng.integers(0, count, size=(block, count)) + np.arange(block)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=block * count).reshape(block, count)
        yield weights.astype(np.float64) @ sums


def statistics_of(sums: Matrix) -> Matrix:
    """The statistics, [rows, len(STATISTICS)], NaN where one does not exist.

    Args:
        sums: [rows, 16]: the number of items, then x, y, xx, yy, xy of the scores, of the ranks and of the ratings.
    """
    n = sums[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        scores, ranks, ratings = (_moments(n, sums[:, place : place + 5]) for place in (1, 6, 11))
        gap = scores.mean_y - scores.mean_x
        # With n − 1, as for a standard deviation of a sample.
        variance = (scores.xx + scores.yy - 2.0 * scores.xy) * n / (n - 1.0)
        reach = LIMIT * np.sqrt(np.maximum(variance, 0.0))
        apart = (ratings.mean_y - ratings.mean_x) ** 2
        expected = ratings.xx + ratings.yy + apart
        observed = ratings.xx + ratings.yy - 2.0 * ratings.xy + apart
        kappa = np.where(expected > 1e-12, 1.0 - observed / expected, np.nan)
        return np.stack([scores.correlation(), ranks.correlation(), kappa, gap, gap - reach, gap + reach], axis=1)


@dataclass(frozen=True, slots=True)
class _Moments:
    """Means, variances and covariance (all by n) of two columns, one for each row of sums."""

    mean_x: Matrix
    mean_y: Matrix
    xx: Matrix
    yy: Matrix
    xy: Matrix

    def correlation(self) -> Matrix:
        """Of x and y; NaN where one of them is constant."""
        found: Matrix = np.where((self.xx > 1e-12) & (self.yy > 1e-12), self.xy / np.sqrt(self.xx * self.yy), np.nan)
        return np.clip(found, -1.0, 1.0)


def _moments(n: Matrix, sums: Matrix) -> _Moments:
    x, y = sums[:, 0] / n, sums[:, 1] / n
    return _Moments(x, y, sums[:, 2] / n - x * x, sums[:, 3] / n - y * y, sums[:, 4] / n - x * y)


def _estimate(value: float, drawn: Matrix, dialogues: int) -> Estimate:
    if math.isnan(value):
        return Estimate(None, None)
    known = drawn[~np.isnan(drawn)]
    if dialogues < 2 or not known.size:
        return Estimate(value, None)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Estimate(value, (float(low), float(high)))
