"""Intervals and p values of values measured on turns, resampled by dialogue.

The interval is the percentile interval of the bootstrap of `draws`. The p value is that of a permutation test which
exchanges the two sides in a dialogue by the toss of a coin. Both work for every value that is a function of sums over
turns (`Quantity`): a mean is the sum of the values divided by the sum of the turns that have one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecr_engine.evaluation.draws import Draws
from ecr_engine.evaluation.draws import Matrix as Matrix

Cube = NDArray[np.float64]
Flags = NDArray[np.bool_]

TIE = 1e-9
"""A permuted difference this close to the observed one, relative to both sides, counts as equal to it."""


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
class Quantity:
    """A value of two systems that is a function of sums over turns.

    Attributes:
        a: what each turn adds to the sums of the first system, [seeds, turns, sums].
        b: the same of the second system; its number of seeds may be another.
        value: from sums [..., sums] to values [...]; NaN where there is none.
        counts: which turns count at all, [turns].
    """

    a: Cube
    b: Cube
    value: Callable[[Cube], Matrix]
    counts: Flags


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How sure the values of a quantity are.

    Attributes:
        interval_a: interval of the first system's value; None with fewer than two clusters, as for the next two.
        interval_b: interval of the second system's value.
        interval: interval of the difference.
        p: two-sided p value of the hypothesis that the systems are exchangeable; with several seeds a side, the greater
            of it and of the bootstrap's p value, which knows how much seeds differ.
    """

    interval_a: Interval | None
    interval_b: Interval | None
    interval: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Paired:
    """One metric of two systems over the turns where all their seeds have a value.

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
        runs_a: mean of each seed of the first system.
        runs_b: mean of each seed of the second system.
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
    runs_a: tuple[float, ...] = ()
    runs_b: tuple[float, ...] = ()


NOTHING = Paired(0, None, None, None, None, None, None, None, None, 0, 0, 0)
"""The comparison of a metric that no turn has on both sides."""


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
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
    draws = Draws(clusters, resamples, seed)
    known = ~np.isnan(values)
    sums = draws.by_cluster(np.hstack([np.where(known, values, 0.0), known]))
    totals = draws.resampled(sums)
    metrics = values.shape[1]
    enough = np.count_nonzero(sums[:, metrics:], axis=0) >= 2
    means = totals[:, :metrics] / totals[:, metrics:]
    return [middle(means[:, m], confidence) if enough[m] else None for m in range(metrics)]


def paired_comparison(
    a: Matrix | Cube,
    b: Matrix | Cube,
    clusters: Sequence[str],
    *,
    resamples: int,
    confidence: float,
    seed: int,
    beside: Sequence[Quantity] = (),
) -> tuple[list[Paired], list[Uncertainty]]:
    """Compares two systems metric by metric on the same turns; rows without all values are left out of a metric.

    Args:
        a: [turns, metrics] of the first system, or [seeds, turns, metrics]; NaN where a metric does not apply.
        b: the same of the second system.
        clusters: the dialogue of each turn, [turns].
        resamples: number of bootstrap resamples, and of permutations.
        confidence: confidence of the intervals.
        seed: seed of both.
        beside: quantities that are no means, to be drawn together with them.

    Returns:
        One comparison for each column, and the uncertainties of the quantities.
    """
    # A single seed becomes an axis of length one.
    first, second = (side if side.ndim == 3 else side[None] for side in (a, b))
    both: Flags = ~np.logical_or.reduce(np.isnan(np.concatenate([first, second])), axis=0)
    metrics = range(both.shape[1])
    means = [mean_quantity(first[..., m], second[..., m], both[:, m]) for m in metrics]
    found = uncertainties([*means, *beside], clusters, resamples=resamples, confidence=confidence, seed=seed)
    paired = [summary(first[..., m], second[..., m], both[:, m], found[m]) for m in metrics]
    return paired, found[len(paired) :]


def mean_quantity(a: Matrix, b: Matrix, both: Flags) -> Quantity:
    """The mean over turns.

    Args:
        a: [seeds, turns] of the first system.
        b: [seeds, turns] of the second system.
        both: the turns that count, [turns].
    """
    first, second = (np.stack([np.where(both, side, 0.0), np.broadcast_to(both, side.shape)], -1) for side in (a, b))
    return Quantity(first, second, _mean, both)


def _mean(sums: Cube) -> Matrix:
    mean: Matrix = sums[..., 0] / sums[..., 1]
    return mean


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def uncertainties(
    quantities: Sequence[Quantity], clusters: Sequence[str], *, resamples: int, confidence: float, seed: int
) -> list[Uncertainty]:
    """Intervals and p values of quantities, with the same draws for all of them.

    Args:
        quantities: what is compared, all with the same turns.
        clusters: the dialogue of each turn, [turns].
        resamples: number of bootstrap resamples, and of permutations.
        confidence: confidence of the intervals.
        seed: seed of both.
    """
    if not quantities:
        return []
    draws = Draws(clusters, resamples, seed)
    sums = [tuple(_sums(draws, side) for side in (one.a, one.b)) for one in quantities]
    flat = [side.reshape(draws.clusters, -1) for sides in sums for side in sides]
    totals = _like(draws.resampled(np.hstack(flat)), [side for sides in sums for side in sides])
    gaps = [b.mean(axis=1) - a.mean(axis=1) for a, b in sums]
    flipped = _like(draws.flipped(np.hstack(gaps)), gaps)
    return [
        _uncertainty(one, draws, sums[place], totals[2 * place : 2 * place + 2], flipped[place], confidence)
        for place, one in enumerate(quantities)
    ]


def _sums(draws: Draws, turns: Cube) -> Cube:
    """Sums by dialogue, [clusters, seeds, sums], of what turns add, [seeds, turns, sums]."""
    seeds, count, width = turns.shape
    table = turns.transpose(1, 0, 2).reshape(count, seeds * width)
    return draws.by_cluster(table).reshape(draws.clusters, seeds, width)


def _like(drawn: Matrix, parts: Sequence[Cube]) -> list[Cube]:
    """The columns of `drawn` [resamples, columns] in the shapes of the parts whose columns they are."""
    ends = np.cumsum([math.prod(part.shape[1:]) for part in parts])[:-1]
    return [
        block.reshape(len(drawn), *part.shape[1:])
        for block, part in zip(np.split(drawn, ends, axis=1), parts, strict=True)
    ]


def _uncertainty(
    one: Quantity, draws: Draws, sums: tuple[Cube, ...], totals: Sequence[Cube], flipped: Matrix, confidence: float
) -> Uncertainty:
    """Intervals and p value of one quantity.

    Args:
        one: the quantity.
        draws: draws the seeds.
        sums: of both sides by dialogue, [clusters, seeds, sums].
        totals: of both sides in each resample, [resamples, seeds, sums].
        flipped: difference of the sums in each exchange of sides, [resamples, sums].
        confidence: confidence of the intervals.
    """
    first, second = (draws.averaged(one.value(total), side) for side, total in enumerate(totals))
    p = _exchange_p(one, sums, flipped)
    if p is not None and max(one.a.shape[0], one.b.shape[0]) > 1:
        p = max(p, _bootstrap_p(second - first))
    if draws.by_cluster(one.counts[:, None].astype(np.float64)).astype(bool).sum() < 2:
        return Uncertainty(None, None, None, p)
    interval_a, interval_b, interval = (middle(drawn, confidence) for drawn in (first, second, second - first))
    return Uncertainty(interval_a, interval_b, interval, p)


def _exchange_p(one: Quantity, sums: tuple[Cube, ...], flipped: Matrix) -> float | None:
    """Two-sided p value of the difference when the sides of each dialogue are exchanged by the toss of a coin.

    The observed assignment counts as one permutation, so p is never 0 (Phipson and Smyth 2010). Seeds of a side are
    averaged. None where the observed difference is no number.
    """
    first, second = (side.mean(axis=1).sum(axis=0) for side in sums)
    value_a, value_b = (float(one.value(total)) for total in (first, second))
    observed = abs(value_b - value_a)
    if not math.isfinite(observed):
        return None
    middle_ = (first + second) / 2.0
    drawn = np.abs(one.value(middle_ + flipped / 2.0) - one.value(middle_ - flipped / 2.0))
    extreme = np.count_nonzero(~(drawn < observed - TIE * (abs(value_a) + abs(value_b))))
    return (extreme + 1.0) / (len(flipped) + 1.0)


def _bootstrap_p(differences: Matrix) -> float:
    """Twice the share of resamples on the far side of 0."""
    least = min(np.count_nonzero(differences <= 0.0), np.count_nonzero(differences >= 0.0))
    return min(1.0, 2.0 * (least + 1.0) / (len(differences) + 1.0))


def middle(drawn: Matrix, confidence: float) -> Interval | None:
    """The middle of resampled values, [resamples]; None where values too large for a float sum to inf.

    Args:
        drawn: the values; NaN where a resample has none.
        confidence: share of the values that the interval holds.
    """
    known = drawn[~np.isnan(drawn)]
    if not known.size or np.isinf(known).any():
        return None
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Interval(float(low), float(high)) if np.isfinite([low, high]).all() else None


@np.errstate(over="ignore", invalid="ignore")
def summary(a: Matrix, b: Matrix, both: Flags, known: Uncertainty) -> Paired:
    """The comparison of one metric.

    Args:
        a: [seeds, turns] of the first system.
        b: [seeds, turns] of the second system.
        both: the turns that count, [turns].
        known: its intervals and p value.
    """
    n = int(both.sum())
    if not n:
        return NOTHING
    first, second = a[:, both], b[:, both]
    gaps = second.mean(axis=0) - first.mean(axis=0)
    mean_a, mean_b, difference = (float(part.mean()) for part in (first, second, gaps))
    if not all(map(math.isfinite, (mean_a, mean_b, difference))):
        return NOTHING
    return Paired(
        n=n,
        a=mean_a,
        b=mean_b,
        difference=difference,
        effect=_effect(gaps, difference),
        interval_a=known.interval_a,
        interval_b=known.interval_b,
        interval=known.interval,
        p=known.p,
        wins=int((gaps > 0).sum()),
        ties=int((gaps == 0).sum()),
        losses=int((gaps < 0).sum()),
        runs_a=tuple(map(float, first.mean(axis=1))),
        runs_b=tuple(map(float, second.mean(axis=1))),
    )


def _effect(gaps: Matrix, difference: float) -> float | None:
    spread = float(gaps.std(ddof=1)) if len(gaps) > 1 else 0.0
    effect = difference / spread if spread > 0.0 else math.inf
    return effect if math.isfinite(effect) and math.isfinite(spread) else None


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
