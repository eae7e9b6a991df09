"""Curves out of an event stream."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ecr_engine.runs.events import Event

SMOOTHED_SHARE = 10
"""A smoothed point averages one part in this many of the curve."""


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Attributes:
        steps: the stage's step counter, rising.
        values: one finite value a step.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def __bool__(self) -> bool:
        return bool(self.steps)


def series(events: Iterable[Event], stage: str, kind: str, key: str) -> Series:
    """The curve of `key` in the events of one stage and kind.

    What is not finite can't be drawn and is left out. A stage that is resumed or repeated emits steps again: what came
    before at those steps and later is superseded.

    Args:
        events: the run's events, oldest first.
        stage: the stage, such as "rl".
        kind: the kind of event, such as "step".
        key: the key in the event's values.
    """
    points: list[tuple[int, float]] = []
    for event in events:
        if event.stage != stage or event.kind != kind or key not in event.values:
            continue
        while points and points[-1][0] >= event.step:
            points.pop()
        value = float(event.values[key])
        if math.isfinite(value):
            points.append((event.step, value))
    return Series(tuple(step for step, _ in points), tuple(value for _, value in points))


def keys_of(events: Iterable[Event], stage: str, start: str, end: str) -> list[str]:
    """What stands between `start` and `end` in the keys of a stage's events, in order of appearance."""
    found: dict[str, None] = {}
    for event in events:
        if event.stage == stage:
            for key in event.values:
                if key.startswith(start) and key.endswith(end):
                    found[key[len(start) : len(key) - len(end)]] = None
    return list(found)


def shared(first: Series, second: Series) -> tuple[tuple[int, ...], list[float], list[float]]:
    """The steps that two curves share, and the values of both there."""
    values, others = (dict(zip(curve.steps, curve.values, strict=True)) for curve in (first, second))
    steps = tuple(step for step in first.steps if step in others)
    return steps, [values[step] for step in steps], [others[step] for step in steps]


def window(points: int) -> int:
    """How many points a smoothed point averages: an odd number, 1 for a short curve."""
    return 2 * (points // SMOOTHED_SHARE // 2) + 1


def smooth(values: Sequence[float], width: int) -> list[float]:
    """Centred moving means of `width` values; of those that are there at both ends.

    Args:
        values: the curve.
        width: an odd number of values.
    """
    reach = width // 2
    parts = [values[max(0, place - reach) : place + reach + 1] for place in range(len(values))]
    return [sum(part) / len(part) for part in parts]
