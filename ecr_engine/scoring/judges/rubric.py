"""`rubric`: the judge that needs no model; its rules are written down in `ecr_engine.scoring.rules`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ecr_engine.data.schema import Sample
from ecr_engine.errors import UsageError
from ecr_engine.scoring import rules
from ecr_engine.scoring.dimensions import GUIDE, DimensionSet, dimension_set
from ecr_engine.scoring.judge import DIMENSIONS, Judge, Judgement
from ecr_engine.scoring.rules import Case, Verdict

_RULES: dict[str, Callable[[Case], Verdict]] = {
    "empathy": rules.empathy,
    "informativeness": rules.informativeness,
    "recommendation": rules.recommendation,
    "engagement": rules.engagement,
}

VERSION = 1
"""Goes up when the rules change what they give."""


class Rubric:
    """A deterministic judge: the same response to the same context always has the same scores.

    Args:
        dimensions: the set `guide`; of dimensions that it has no rules for it says nothing.
    """

    name = "rubric"
    explanation = "rule-based judge with written-down rules; it knows words, not meaning, and is no language model"
    fingerprint = f"rubric-{VERSION}"

    def __init__(self, dimensions: DimensionSet) -> None:
        self.dimensions = dimensions

    def judge(self, rows: Iterable[Sample]) -> Iterator[Judgement]:
        """One judgement for each row, in order; the reference is not looked at."""
        for row in rows:
            yield _judge(row)


def _judge(row: Sample) -> Judgement:
    case = rules.case_of(row)
    verdicts = {dimension: _RULES[dimension](case) for dimension in DIMENSIONS}
    scores = {dimension: verdict.score for dimension, verdict in verdicts.items()}
    reasons = {dimension: verdict.reason for dimension, verdict in verdicts.items()}
    scores["overall"] = sum(scores.values()) / len(DIMENSIONS)
    reasons["overall"] = f"mean of {', '.join(DIMENSIONS)}"
    return Judgement(row.example.example_id, scores, reasons)


def build(dimensions: DimensionSet | None = None) -> Judge:
    """The judge.

    Raises:
        UsageError: it has no rules for these dimensions.
    """
    dimensions = dimensions or dimension_set(GUIDE)
    if dimensions.name != GUIDE:
        raise UsageError(
            f"the judge 'rubric' has no rules for the dimensions '{dimensions.name}'",
            at="judge.dimensions",
            fix=f"--set judge.dimensions={GUIDE}, or name a language model as the judge",
        )
    return Rubric(dimensions)
