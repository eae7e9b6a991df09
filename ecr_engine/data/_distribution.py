"""Whole numbers by how often each occurs: their mean and percentiles, and their histogram."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

MOST_BINS = 15
"""Bins of a histogram at most, the open one at its end not counted."""

_TAIL = 0.99


@dataclass(frozen=True, slots=True)
class Distribution:
    """How numbers are distributed; all zero if there are none.

    Attributes:
        mean: their mean.
        median: the smallest of them that at least half do not exceed.
        p95: the smallest of them that at least 95 % do not exceed.
        largest: the largest.
    """

    mean: float
    median: int
    p95: int
    largest: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram.

    Attributes:
        low: smallest number in it.
        high: largest number in it; None if it holds all that are larger.
        count: how many are in it.
    """

    low: int
    high: int | None
    count: int


Histogram = tuple[Bin, ...]
"""Bars from the smallest numbers to the largest, without a gap."""


def distribution(values: Counter[int]) -> Distribution:
    """The distribution of numbers, given how often each occurs."""
    count = values.total()
    if not count:
        return Distribution(0.0, 0, 0, 0)
    mean = sum(value * times for value, times in values.items()) / count
    return Distribution(mean, percentile(values, 0.5), percentile(values, 0.95), max(+values))


def percentile(values: Counter[int], share: float) -> int:
    """The smallest number that at least `share` of all do not exceed (nearest rank); at least one must be there."""
    rank = math.ceil(share * values.total())
    met = 0
    for value in sorted(+values):
        met += values[value]
        if met >= rank:
            return value
    raise AssertionError("the last number reaches every rank")


def histogram(values: Counter[int]) -> Histogram:
    """Bars of equal, round width up to where 99 % of the numbers are, and an open one for the few beyond."""
    if not values.total():
        return ()
    low, most = min(+values), percentile(values, _TAIL)
    width = next(width for width in _round_widths() if most // width - low // width < MOST_BINS)
    first, end = low // width * width, (most // width + 1) * width
    starts = range(first, end, width)
    bins = [Bin(start, start + width - 1, sum(values[start + step] for step in range(width))) for start in starts]
    beyond = sum(times for value, times in values.items() if value >= end)
    return (*bins, Bin(end, None, beyond)) if beyond else tuple(bins)


def _round_widths() -> list[int]:
    return [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
