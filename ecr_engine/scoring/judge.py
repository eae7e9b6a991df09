"""What a judge is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecr_engine.data.schema import Sample
from ecr_engine.registry import Registry

DIMENSIONS = ("empathy", "informativeness", "recommendation", "engagement")
"""The quality dimensions that a judge scores, each in [0, 1]; `overall` is the judge's own summary of them."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one response.

    Attributes:
        example_id: the example that was answered.
        scores: score in [0, 1] by dimension, `overall` included; empty on failure.
        reasons: for each dimension, which rules or words led to the score; may be empty.
        failure: why there are no scores; None on success. A failure is never a score of 0.
    """

    example_id: str
    scores: Mapping[str, float]
    reasons: Mapping[str, str]
    failure: str | None = None


class Judge(Protocol):
    """Scores responses.

    Attributes:
        name: the registered name.
        explanation: one sentence that says what kind of judge it is.
    """

    name: str
    explanation: str

    def judge(self, rows: Sequence[Sample]) -> Iterator[Judgement]:
        """One judgement for each row, in order."""


JUDGES: Registry[Judge] = Registry("ecr_engine.scoring.judges", "judge")
