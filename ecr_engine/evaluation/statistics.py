"""Intervals and p values for values measured on turns, resampled by dialogue.

Turns of one dialogue are not independent, so whole dialogues (clusters) are drawn: the cluster bootstrap (Davison and
Hinkley 1997, chapter 3.8) and a sign-flip permutation test whose signs are flipped by cluster. Both work on sums by
cluster, so that all resamples of all metrics are a few matrix products: [resamples, clusters] x [clusters, metrics].
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

CHUNK_CELLS = 4_000_000
"""Cells of a block of resamples held in memory at a time (32 MB)."""

TIE = 1e-9
"""A permuted sum this close (relatively) to the observed one counts as equal to it: both sum the same numbers."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: lower end.
        high: upper end.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """One metric of two systems over the turns where both have a value.

    Attributes:
        n: turns where both have a value; 0 if there are none, or if their sums are beyond a float, and then every value
            below is None.
        a: mean of the first system.
        b: mean of the second system.
        difference: mean of `b - a`.
        effect: the difference in standard deviations of the paired differences; None where they do not vary, or vary
            beyond a float.
        interval_a: interval of `a`; None with fewer than two clusters, as for the next two.
        interval_b: interval of `b`.
        interval: interval of the difference.
        p: two-sided p value of the hypothesis that the two systems are exchangeable.
        wins: turns where `b` is greater.
        ties: turns where they are equal.
        losses: turns where `b` is less.
    """

    n: int
    a: float | None
    b: float | None
    difference: float | None
    effect: float | None
    interval_a: Interval | None
    interval_b: Interval | None
    interval: Interval | None
    p: float | None
    wins: int
    ties: int
    losses: int


@np.errstate(over="ignore", invalid="ignore")
def mean_intervals(
    values: Matrix, clusters: Sequence[str], *, resamples: int, confidence: float, seed: int
) -> list[Interval | None]:
    """Percentile bootstrap intervals of the means of the columns.

    Args:
        values: [turns, metrics], NaN where a metric does not apply.
        clusters: the dialogue of each turn, [turns].
        resamples: number of resamples.
        confidence: share of resamples that the interval holds.
        seed: seed of the resampling.

    Returns:
        One interval for each column; None where fewer than two clusters have a value, or sums are beyond a float.
    """
    known = ~np.isnan(values)
    sums, counts = _by_cluster(clusters, np.where(known, values, 0.0), known.astype(np.float64))
    means = _resampled_means(sums, counts, resamples, seed)
    return _intervals(means, counts, confidence)


@np.errstate(over="ignore", invalid="ignore")
def paired_comparison(
    a: Matrix, b: Matrix, clusters: Sequence[str], *, resamples: int, confidence: float, seed: int
) -> list[Paired]:
    """Compares two systems metric by metric on the same turns; rows without both values are left out of a metric.

    Args:
        a: [turns, metrics] of the first system, NaN where a metric does not apply.
        b: the same of the second system.
        clusters: the dialogue of each turn, [turns].
        resamples: number of bootstrap resamples, and of permutations.
        confidence: confidence of the intervals.
        seed: seed of both.

    Returns:
        One comparison for each column.
    """
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    gaps = b - a
    sums_a, sums_b, sums, counts = _by_cluster(clusters, a, b, gaps, both.astype(np.float64))
    metrics = a.shape[1]
    means = _resampled_means(np.hstack([sums_a, sums_b, sums]), np.tile(counts, 3), resamples, seed)
    intervals = _intervals(means, np.tile(counts, 3), confidence)
    p_values = _sign_flip_p(sums, resamples, seed)
    return [_summary(a[:, m], b[:, m], both[:, m], intervals[m::metrics], float(p_values[m])) for m in range(metrics)]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Holm 1979) over the p values that are there.

    Args:
        p_values: one p value for each hypothesis; None stays None and does not count.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    running = 0.0
    for rank, (p, place) in enumerate(known):
        running = max(running, min(1.0, p * (len(known) - rank)))
        corrected[place] = running
    return corrected


def _by_cluster(clusters: Sequence[str], *tables: Matrix) -> list[Matrix]:
    """Sums of the rows of each table by cluster, [clusters, metrics]."""
    names, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    totals = []
    for table in tables:
        total = np.zeros((len(names), table.shape[1]))
        np.add.at(total, place, table)
        totals.append(total)
    return totals


def _blocks(resamples: int, clusters: int) -> Iterator[int]:
    """Sizes of blocks of resamples that fit into memory."""
    size = max(1, CHUNK_CELLS // max(1, clusters))
    for start in range(0, resamples, size):
        yield min(size, resamples - start)


def _resampled_means(sums: Matrix, counts: Matrix, resamples: int, seed: int) -> Matrix:
    """Means of the columns in each resample of clusters, [resamples, columns]; NaN where a draw has no value."""
    rng = np.random.default_rng([seed, 0])
    clusters = len(sums)
    both = np.hstack([sums, counts])
    blocks = []
    for size in _blocks(resamples, clusters):
        drawn = rng.integers(0, clusters, size=(size, clusters))
        drawn += np.arange(size)[:, None] * clusters
        weights = np.bincount(drawn.ravel(), minlength=size * clusters).reshape(size, clusters)
        totals = weights.astype(np.float64) @ both
        blocks.append(totals[:, : sums.shape[1]] / totals[:, sums.shape[1] :])
    return np.vstack(blocks)


def _intervals(means: Matrix, counts: Matrix, confidence: float) -> list[Interval | None]:
    """The middle `confidence` of the resampled means, for each column; None where under two clusters have a value."""
    enough = np.count_nonzero(counts, axis=0) >= 2
    return [_middle(means[:, column], confidence) if enough[column] else None for column in range(means.shape[1])]


def _middle(means: Matrix, confidence: float) -> Interval | None:
    """The middle of one column of resampled means, [resamples]; None where values too large for a float sum to inf."""
    known = means[~np.isnan(means)]
    if not known.size or np.isinf(known).any():
        return None
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Interval(float(low), float(high)) if np.isfinite([low, high]).all() else None


def _sign_flip_p(sums: Matrix, permutations: int, seed: int) -> Matrix:
    """Two-sided p values of the column sums when the sign of each cluster's sum is a coin toss, [columns].

    The observed assignment counts as one permutation, so p is never 0 (Phipson and Smyth 2010).
    """
    rng = np.random.default_rng([seed, 1])
    observed = np.abs(sums.sum(axis=0))
    threshold = observed - TIE * np.abs(sums).sum(axis=0)
    extreme = np.zeros(sums.shape[1])
    for size in _blocks(permutations, len(sums)):
        signs = rng.integers(0, 2, size=(size, len(sums)), dtype=np.int8) * 2.0 - 1.0
        extreme += (np.abs(signs @ sums) >= threshold).sum(axis=0)
    result: Matrix = (extreme + 1.0) / (permutations + 1.0)
    return result


def _summary(a: Matrix, b: Matrix, both: NDArray[np.bool_], intervals: Sequence[Interval | None], p: float) -> Paired:
    """The comparison of one metric; `a` and `b` are [turns], `intervals` those of a, b and the difference."""
    n = int(both.sum())
    gaps = (b - a)[both]
    mean_a, mean_b, difference = (float(part.mean()) if n else math.nan for part in (a[both], b[both], gaps))
    if not all(map(math.isfinite, (mean_a, mean_b, difference))):
        return Paired(0, None, None, None, None, None, None, None, None, 0, 0, 0)
    spread = float(gaps.std(ddof=1)) if n > 1 else 0.0
    effect = difference / spread if spread > 0.0 else math.inf
    return Paired(
        n=n,
        a=mean_a,
        b=mean_b,
        difference=difference,
        effect=effect if math.isfinite(effect) and math.isfinite(spread) else None,
        interval_a=intervals[0],
        interval_b=intervals[1],
        interval=intervals[2],
        p=p,
        wins=int((gaps > 0).sum()),
        ties=int((gaps == 0).sum()),
        losses=int((gaps < 0).sum()),
    )
