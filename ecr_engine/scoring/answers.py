"""Judgements for rows in order, from wherever they can be had: what was there, the cache, the judge.

The judge is asked lazily and for what is new only, so that its own windows and its concurrency stay full, and nothing
is held but the rows that wait for an earlier one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ecr_engine.data.schema import Sample
from ecr_engine.errors import EcrError
from ecr_engine.scoring.cache import JudgementCache, content_key
from ecr_engine.scoring.dimensions import DimensionSet
from ecr_engine.scoring.judge import Judge, Judgement

AHEAD = 10_000
"""Rows that may wait for one before them; more, and the judge finishes what it has first."""

NO_RESPONSE = "the row has no response"


class Origin(StrEnum):
    """Where a judgement is from."""

    KEPT = "kept"
    CACHE = "cache"
    JUDGE = "judge"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """A response to be judged.

    Attributes:
        sample: the response and its context.
        who: whose response it is.
        missing: whether the row has no response at all, which is another thing than an empty one.
    """

    sample: Sample
    who: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A row with its judgement.

    Attributes:
        row: the row.
        judgement: what is known of it; None while the judge is at it.
        origin: where that is from.
        key: what it goes by in the cache; empty where it does not belong there.
    """

    row: ResponseRow
    judgement: Judgement | None
    origin: Origin
    key: bytes = b""


class Answers:
    """Finds judgements.

    Args:
        judge: who is asked for what is not known.
        cache: what is known; None for nothing.
    """

    def __init__(self, judge: Judge, cache: JudgementCache | None) -> None:
        self._judge = judge
        self._cache = cache
        self._waiting: deque[Answer] = deque()
        self._at_end = False

    def of(self, rows: Iterable[tuple[ResponseRow, Judgement | None]]) -> Iterator[Answer]:
        """The judgement of each row, in order.

        Args:
            rows: rows with their judgement, where it is to be kept.

        Raises:
            EcrError: the judge gives another number of judgements than it was asked for, or in another order.
        """
        source = iter(rows)
        self._at_end = False
        while not self._at_end:
            for judgement in self._judge.judge(self._asked(source)):
                yield from self._known()
                yield self._matched(judgement)
            yield from self._known()
            if self._waiting:
                raise _out_of_step(self._judge, self._waiting[0].row.sample.example.example_id, "nothing")

    def _asked(self, source: Iterator[tuple[ResponseRow, Judgement | None]]) -> Iterator[Sample]:
        while len(self._waiting) < AHEAD:
            found = next(source, None)
            if found is None:
                self._at_end = True
                return
            answer = self._look_up(*found)
            self._waiting.append(answer)
            if answer.judgement is None:
                yield answer.row.sample

    def _look_up(self, row: ResponseRow, kept: Judgement | None) -> Answer:
        identity = row.sample.example.example_id
        if kept is not None:
            return Answer(row, kept, Origin.KEPT)
        if row.missing:
            return Answer(row, Judgement(identity, {}, {}, NO_RESPONSE), Origin.ROW)
        if self._cache is None:
            return Answer(row, None, Origin.JUDGE)
        key = content_key(self._judge, row.sample)
        cached = self._cache.get(key, identity)
        return Answer(row, None, Origin.JUDGE, key) if cached is None else Answer(row, cached, Origin.CACHE)

    def _known(self) -> Iterator[Answer]:
        while self._waiting and self._waiting[0].judgement is not None:
            yield self._waiting.popleft()

    def _matched(self, judgement: Judgement) -> Answer:
        if not self._waiting or judgement.example_id != self._waiting[0].row.sample.example.example_id:
            wanted = self._waiting[0].row.sample.example.example_id if self._waiting else "nothing"
            raise _out_of_step(self._judge, wanted, judgement.example_id)
        waiting = self._waiting.popleft()
        return Answer(waiting.row, checked(judgement, self._judge.dimensions), Origin.JUDGE, waiting.key)


def checked(judgement: Judgement, dimensions: DimensionSet) -> Judgement:
    """The judgement, or a failure in its place if its scores are none of these dimensions'."""
    if judgement.failure is not None:
        return Judgement(judgement.example_id, {}, {}, judgement.failure, judgement.turns_cut)
    fault = _fault(judgement, dimensions)
    return judgement if fault is None else Judgement(judgement.example_id, {}, {}, fault, judgement.turns_cut)


def _fault(judgement: Judgement, dimensions: DimensionSet) -> str | None:
    if not judgement.scores:
        return "the judge gave no score"
    known = {dimension.name: dimension for dimension in dimensions.dimensions}
    for name, score in judgement.scores.items():
        if name not in known:
            return f"the judge scored '{name}', which was not asked for"
        low, high = known[name].low, known[name].high
        if not math.isfinite(score) or not low <= score <= high:
            return f"the judge's score {score:g} for '{name}' is not in [{low:g}, {high:g}]"
    return None


def _out_of_step(judge: Judge, wanted: str, got: str) -> EcrError:
    return EcrError(
        f"the judge '{judge.name}' answers out of order: '{got}' in the place of '{wanted}'",
        at=f"--judge {judge.name}",
        fix="a judge gives one judgement for each row, in order: mend it, or name another",
    )
