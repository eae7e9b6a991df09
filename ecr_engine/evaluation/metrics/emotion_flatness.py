"""emotion_flatness: whether a seeker who shows a feeling is answered without any."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.evaluation.corpus import corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._emotions import SOURCE, Felt, felt
from ecr_engine.evaluation.metrics._mean import mean_result
from ecr_engine.rewards.resources import Resources

NEUTRAL = frozenset({"neutral"})


class EmotionFlatness:
    """Share of flat responses to seekers who show a feeling.

    Args:
        recogniser: says what texts show.
    """

    name = "emotion_flatness"
    key = "emotion_flatness"
    family = Family.EMPATHY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = False
    explanation = (
        "Share of the responses that show nothing but 'neutral', among those to a seeker who shows another emotion; "
        "an empty response is flat."
    )
    source = SOURCE
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, recogniser: EmotionRecogniser) -> None:
        self._recogniser = recogniser

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The share; None where the seeker did not speak last, or shows nothing but `neutral`."""
        return mean_result([_flat(turn) for turn in felt(corpus_of(samples), self._recogniser)])


def _flat(turn: Felt | None) -> float | None:
    return None if turn is None or turn.seeker <= NEUTRAL else float(turn.response <= NEUTRAL)


def build(resources: Resources) -> Metric:
    """The metric."""
    return EmotionFlatness(resources.emotion)
