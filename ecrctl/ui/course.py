"""The course of one metric in bounded memory, however many values it has had."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

RECENT = 100
"""So many last values make the mean beside a sparkline."""

POINTS = 240
"""Points kept of a whole course: more than a sparkline draws. Twice as many values share a point when they are full."""

_NOTHING = (0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the stage at hand.

    Attributes:
        first: its first finite value; the first value while none is finite.
        last: its newest value.
        recent: its last `RECENT` values, oldest first.
        points: means of `each` values in a row, oldest first; NaN where none of them is finite.
        each: how many values share a point.
        rest: the sum and the number of the finite ones among the newest values, and the number of all of these; too
            few for a point yet.
    """

    first: float
    last: float
    recent: tuple[float, ...]
    points: tuple[float, ...] = ()
    each: int = 1
    rest: tuple[float, int, int] = _NOTHING

    def mean(self, count: int = RECENT) -> float:
        """The mean of the last `count` finite values, `RECENT` at most; NaN without any."""
        return _mean(self.recent[-count:])

    @property
    def course(self) -> tuple[float, ...]:
        """The whole course, oldest first, in about `POINTS` points at most."""
        return (*self.points, self._rest_mean()) if self.rest[2] else self.points

    def after(self, value: float) -> Metric:
        """The metric with one more value."""
        (total, finite, count), is_finite = self.rest, math.isfinite(value)
        grown = Metric(
            self.first if math.isfinite(self.first) else value,
            value,
            (*self.recent[-RECENT + 1 :], value),
            self.points,
            self.each,
            (total + value if is_finite else total, finite + is_finite, count + 1),
        )
        return grown._pointed() if count + 1 >= self.each else grown

    def _pointed(self) -> Metric:
        """The newest values as a point; where the points are full, two become one."""
        points, each = (*self.points, self._rest_mean()), self.each
        if len(points) >= POINTS:
            points = tuple(_mean(points[place : place + 2]) for place in range(0, len(points), 2))
            each *= 2
        return replace(self, points=points, each=each, rest=_NOTHING)

    def _rest_mean(self) -> float:
        total, finite, _ = self.rest
        return total / finite if finite else math.nan


def begun(value: float) -> Metric:
    """A metric with its first value."""
    return Metric(value, value, (value,), (value if math.isfinite(value) else math.nan,))


def _mean(values: tuple[float, ...]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
