"""What came of a scoring job, added up row by row, and how fast it goes."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.scoring.answers import Origin
from ecr_engine.scoring.judge import Judgement

KINDS = 200
"""Kinds of failure that are counted apart; what comes after them is counted together."""

OTHER = "other reasons"
PACE_S = 30.0
"""The pace is that of the last so many seconds."""


def failure_kind(reason: str) -> str:
    """What failures of one kind have in common: their reason up to the first colon."""
    return reason.partition(": ")[0]


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What a scoring job did.

    Attributes:
        output: the file of judgements.
        judge: the judge's name.
        dimensions: name of the set of dimensions.
        rows: rows of the file.
        scored: those with scores.
        failed: those with a failure; `rows` is the sum of both.
        kept: rows that were there before.
        cached: rows that were found in the cache.
        asked: rows that the judge was asked for.
        means: mean of each dimension over the rows that have it.
        failures: number of failures by kind, the most frequent first.
        turns_cut: rows whose context did not fit whole.
        seconds: how long it took.
        rows_per_s: rows answered in a second, those kept not counted; 0 if there were none.
    """

    output: Path
    judge: str
    dimensions: str
    rows: int
    scored: int
    failed: int
    kept: int
    cached: int
    asked: int
    means: Mapping[str, float]
    failures: Mapping[str, int]
    turns_cut: int
    seconds: float
    rows_per_s: float


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a scoring job is.

    Attributes:
        done: rows that are answered.
        total: rows there are.
        failed: failures among those answered.
        cached: rows found in the cache.
        rows_per_s: pace of the last seconds; None before there is one.
        remaining_s: seconds left at that pace; None before there is one.
    """

    done: int
    total: int
    failed: int
    cached: int
    rows_per_s: float | None
    remaining_s: float | None


class Tally:
    """Adds up.

    Args:
        total: rows there are.
        clock: seconds that only grow.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._started = clock()
        self._origins: Counter[Origin] = Counter()
        self._sums: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._cut = 0
        self._marks: deque[tuple[float, int]] = deque([(self._started, 0)])

    @property
    def done(self) -> int:
        """Rows so far."""
        return self._origins.total()

    def add(self, judgement: Judgement, origin: Origin) -> None:
        """Counts one row."""
        self._origins[origin] += 1
        self._cut += judgement.turns_cut > 0
        if judgement.failure is not None:
            kind = failure_kind(judgement.failure)
            self._failures[kind if kind in self._failures or len(self._failures) < KINDS else OTHER] += 1
        for name, score in judgement.scores.items():
            self._sums[name] += score  # type: ignore[assignment]  # a Counter adds any numbers
            self._counts[name] += 1

    def progress(self) -> JobProgress:
        """How far it is now; each call is one more mark of the pace."""
        now, fresh = self._clock(), self.done - self._origins[Origin.KEPT]
        self._marks.append((now, fresh))
        while len(self._marks) > 2 and self._marks[1][0] <= now - PACE_S:
            self._marks.popleft()
        since, before = self._marks[0]
        pace = (fresh - before) / (now - since) if now > since and fresh > before else None
        left = None if pace is None else max(0, self._total - self.done) / pace
        return JobProgress(self.done, self._total, self._failures.total(), self._origins[Origin.CACHE], pace, left)

    def summary(self, output: Path, judge: str, dimensions: str) -> JobSummary:
        """All of it."""
        seconds, failed = self._clock() - self._started, self._failures.total()
        fresh = self.done - self._origins[Origin.KEPT]
        return JobSummary(
            output=output,
            judge=judge,
            dimensions=dimensions,
            rows=self.done,
            scored=self.done - failed,
            failed=failed,
            kept=self._origins[Origin.KEPT],
            cached=self._origins[Origin.CACHE],
            asked=self._origins[Origin.JUDGE],
            means={name: self._sums[name] / count for name, count in self._counts.items()},
            failures=dict(self._failures.most_common()),
            turns_cut=self._cut,
            seconds=seconds,
            rows_per_s=fresh / seconds if seconds > 0 else 0.0,
        )
