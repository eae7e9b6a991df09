"""`judge`: what the judge of the settings thinks of the response as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.errors import UsageError
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.judge import JUDGES, Judge

OVERALL = "overall"
"""The judge's own summary of its dimensions."""


class JudgeScore:
    """The judge's overall score.

    Args:
        judge: who is asked.
    """

    name = "judge"
    low = 0.0
    high = 1.0

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.explanation = f"overall score of the judge '{judge.name}'"

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The overall score of each response; None where the judge fails."""
        return [
            judgement.scores[OVERALL] if judgement.failure is None else None for judgement in self._judge.judge(batch)
        ]

    def explain(self, sample: Sample) -> str:
        """What the judge says of each dimension, or why it failed."""
        [judgement] = self._judge.judge([sample])
        if judgement.failure is not None:
            return judgement.failure
        scores = [(name, score) for name, score in judgement.scores.items() if name != OVERALL]
        return "; ".join(
            f"{name} {score:.2f}" + (f" ({judgement.reasons[name]})" if judgement.reasons.get(name) else "")
            for name, score in scores
        )


def build(resources: Resources) -> RewardComponent:
    """The component with the judge of the settings.

    Raises:
        UsageError: no judge is named, or there is none of this name.
    """
    if not resources.judge:
        raise UsageError(
            "reward component 'judge' needs a judge",
            at="judge.name",
            fix="--set judge.name=rubric, or --set rewards.judge=0",
        )
    return JudgeScore(JUDGES.build(resources.judge))
