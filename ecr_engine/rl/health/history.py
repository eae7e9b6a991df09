"""What a warning looks at: the values of the first updates and of the last ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NOISE_FLOOR = 1e-8
"""Below this a spread is rounding: values that never differ have one of about 1e-17."""


@dataclass(frozen=True, slots=True)
class Step:
    """One update.

    Attributes:
        number: its number, from 1.
        values: the values of its `step` event.
    """

    number: int
    values: Mapping[str, float]

    def has(self, *keys: str) -> bool:
        """Whether it tells all of these values, and they are finite."""
        return all(math.isfinite(self.values.get(key, math.nan)) for key in keys)

    @property
    def measure(self) -> dict[str, float]:
        """What the rewards of this update were measured with: the weights of the moment, and which dialogues."""
        return {key: value for key, value in self.values.items() if _is_measure(key)}

    @property
    def learned(self) -> bool:
        """Whether the policy was trained: in the critic's warm-up it has no gradient."""
        return self.values.get("train/grad_norm", 0.0) > 0


class Rise(NamedTuple):
    """How two series of values differ.

    Attributes:
        before: mean of the first.
        after: mean of the second.
        error: standard error of their difference.
    """

    before: float
    after: float
    error: float

    @property
    def size(self) -> float:
        """How much higher the second is."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class History:
    """The updates so far, as far as they are kept.

    Attributes:
        size: how many are kept at either end.
        first: the first updates, in order.
        last: the last ones, in order; the same ones as long as there are few.
    """

    size: int
    first: tuple[Step, ...] = ()
    last: tuple[Step, ...] = ()

    def after(self, step: Step) -> History:
        """The history with one more update."""
        first = self.first if len(self.first) >= self.size else (*self.first, step)
        return History(self.size, first, (*self.last, step)[-self.size :])

    @property
    def newest(self) -> Step:
        """The last update."""
        return self.last[-1]

    def ends(self, width: int, key: str) -> tuple[Sequence[Step], Sequence[Step]] | None:
        """The first and the last `width` updates, where they are apart, tell `key`, and were measured alike.

        Under a curriculum the total stands for something else as weights move or harder dialogues come in: there is
        nothing to compare then.
        """
        first, last = self.first[:width], self.last[-width:]
        if len(first) < width or len(last) < width or first[-1].number >= last[0].number:
            return None
        alike = all(step.has(key) and step.measure == self.newest.measure for step in (*first, *last))
        return (first, last) if alike else None


def series(steps: Sequence[Step], key: str) -> list[float]:
    """The finite values of `key`, in order, of the updates that tell it."""
    return [step.values[key] for step in steps if step.has(key)]


def rise(before: Sequence[float], after: Sequence[float]) -> Rise:
    """How the mean of one series differs from that of another; each has two values at least."""
    error = math.sqrt(sum(statistics.variance(part) / len(part) for part in (before, after)))
    return Rise(statistics.fmean(before), statistics.fmean(after), error)


def unbroken(steps: Sequence[Step], key: str, *, low: float = -math.inf, high: float = math.inf) -> list[Step]:
    """The last updates in a row whose `key` is below `low` or above `high`, in order."""
    found: list[Step] = []
    for step in reversed(steps):
        if not step.has(key) or low <= step.values[key] <= high:
            break
        found.append(step)
    return found[::-1]


def _is_measure(key: str) -> bool:
    return key.startswith("curriculum/") or (key.startswith("rewards/") and key.endswith("/weight"))
