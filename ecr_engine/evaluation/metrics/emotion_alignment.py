"""emotion_alignment: whether the response shows what the seeker shows."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.evaluation.corpus import corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._emotions import SOURCE, felt
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.resources import Resources


class EmotionAlignment:
    """Share of the turns where both sides share an emotion.

    Args:
        recogniser: says what texts show.
    """

    name = "emotion_alignment"
    key = "emotion_alignment"
    family = Family.EMPATHY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "Share of the turns that answer the seeker where response and seeker show an emotion in common; an empty "
        "response shows none."
    )
    source = SOURCE
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, recogniser: EmotionRecogniser) -> None:
        self._recogniser = recogniser

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The share; None for a turn that does not answer the seeker."""
        turns = felt(corpus_of(samples), self._recogniser)
        return mean_result([None if turn is None else float(bool(turn.seeker & turn.response)) for turn in turns])


def build(resources: Resources) -> Metric:
    """The metric."""
    return EmotionAlignment(resources.emotion)
