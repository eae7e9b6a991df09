"""How well numbers are predicted: errors and correlations, with intervals over dialogues.

Rows of one dialogue are not independent, so whole dialogues are drawn (the cluster bootstrap; Davison and Hinkley 1997,
chapter 3.8). A resample is a weight for each row: how often its dialogue was drawn. All resamples are computed at once
from the weights, the rank correlation included: the ranks within a resample come from running sums of its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecr_engine.evaluation.statistics import Interval, Matrix

CELLS = 1_000_000
"""Cells of a block of weights held in memory at a time (8 MB)."""

SAME = 1e-12
"""Variances below this are rounding: the values are all the same."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: over all rows; None where it does not exist, such as the R² of a truth that does not vary.
        interval: bootstrap interval over dialogues; None with fewer than two dialogues, or without a value.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class PredictionScores:
    """How well one predictor predicts.

    Attributes:
        mse: mean squared error.
        mae: mean absolute error.
        r2: 1 - mse / variance of the truth.
        pearson: linear correlation; 0 for a predictor that says the same everywhere, since it orders nothing.
        spearman: rank correlation, ties given their mean rank; 0 likewise.
    """

    mse: Estimate
    mae: Estimate
    r2: Estimate
    pearson: Estimate
    spearman: Estimate


@dataclass(frozen=True, slots=True)
class Draws:
    """How intervals are drawn.

    Attributes:
        clusters: the dialogue of each row.
        resamples: number of resamples.
        confidence: share of them that an interval holds.
        seed: of the draws.
    """

    clusters: Sequence[str]
    resamples: int
    confidence: float
    seed: int


def prediction_scores(said: Sequence[float], truth: Sequence[float], draws: Draws) -> PredictionScores:
    """The errors and correlations of predictions.

    Args:
        said: predictions, [rows], at least one.
        truth: what they should be, [rows].
        draws: how intervals are drawn.
    """
    columns = _Columns(np.asarray(said, dtype=np.float64), np.asarray(truth, dtype=np.float64))
    whole = columns.scores(np.ones((1, len(truth))))[0]
    several = len(set(draws.clusters)) > 1
    drawn = np.vstack([columns.scores(block) for block in _weights(draws)]) if several else None
    return PredictionScores(*(_estimate(whole, drawn, place, draws.confidence) for place in range(len(whole))))


class _Columns:
    """Predictions and truth with all that does not depend on the weights."""

    def __init__(self, said: Vector, truth: Vector) -> None:
        self._said, self._truth = said, truth
        self._error = said - truth
        self._orders = bool(np.ptp(said) > 0 and np.ptp(truth) > 0)
        self._ranks = _Order(said), _Order(truth)

    def scores(self, weights: Matrix) -> Matrix:
        """mse, mae, r2, pearson and spearman for each row of `weights` [resamples, rows]: [resamples, 5]."""
        total = weights.sum(1)
        mse = weights @ self._error**2 / total
        mae = weights @ np.abs(self._error) / total
        variance = _moment(weights, self._truth, self._truth)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(variance > SAME, 1 - mse / variance, np.nan)
        pearson = spearman = np.zeros(len(weights))
        if self._orders:
            pearson = _correlation(weights, self._said, self._truth)
            spearman = _correlation(weights, *(order.ranks(weights) for order in self._ranks))
        return np.column_stack([mse, mae, r2, pearson, spearman])


class _Order:
    """The order of values, ties together."""

    def __init__(self, values: Vector) -> None:
        _, self._group = np.unique(values, return_inverse=True)
        self._order = np.argsort(self._group, kind="stable")
        counts = np.bincount(self._group)
        self._ends = np.cumsum(counts) - 1

    def ranks(self, weights: Matrix) -> Matrix:
        """Mean ranks of the rows where each is there as often as its weight says, [resamples, rows]."""
        ends = np.cumsum(weights[:, self._order], axis=1)[:, self._ends]
        starts = np.hstack([np.zeros((len(weights), 1)), ends[:, :-1]])
        ranks: Matrix = ((starts + ends + 1) / 2)[:, self._group]
        return ranks


def mean_ranks(values: Sequence[float]) -> Vector:
    """The ranks of values, from 1; ties have their mean rank."""
    found: Vector = _Order(np.asarray(values, dtype=np.float64)).ranks(np.ones((1, len(values))))[0]
    return found


def _moment(weights: Matrix, a: Matrix, b: Matrix) -> Vector:
    """Weighted covariance of values [rows] or [resamples, rows], for each resample."""
    total = weights.sum(1, keepdims=True)
    mean_a = (weights * a).sum(1, keepdims=True) / total
    mean_b = (weights * b).sum(1, keepdims=True) / total
    found: Vector = (weights * (a - mean_a) * (b - mean_b)).sum(1) / total[:, 0]
    return found


def _correlation(weights: Matrix, a: Matrix, b: Matrix) -> Vector:
    spread = _moment(weights, a, a) * _moment(weights, b, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Vector = np.where(spread > SAME**2, _moment(weights, a, b) / np.sqrt(spread), 0.0)
    return found


def _weights(draws: Draws) -> Iterator[Matrix]:
    """How often each row is there in each resample, block by block, [resamples, rows]."""
    names, place = np.unique(np.asarray(draws.clusters, dtype=str), return_inverse=True)
    rng = np.random.default_rng(draws.seed)
    size = max(1, CELLS // len(place))
    for start in range(0, draws.resamples, size):
        count = min(size, draws.resamples - start)
        drawn = rng.integers(0, len(names), size=(count, len(names))) + np.arange(count)[:, None] * len(names)
        often = np.bincount(drawn.ravel(), minlength=count * len(names)).reshape(count, len(names))
        yield often[:, place].astype(np.float64)


def _estimate(whole: Vector, drawn: Matrix | None, place: int, confidence: float) -> Estimate:
    value = float(whole[place])
    if not np.isfinite(value):
        return Estimate(None, None)
    known = np.empty(0) if drawn is None else drawn[:, place][np.isfinite(drawn[:, place])]
    if not known.size:
        return Estimate(value, None)
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Estimate(value, Interval(float(low), float(high)))
