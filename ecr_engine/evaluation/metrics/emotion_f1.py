"""emotion_f1: the mean of the F1 of each emotion."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import EMOTIONS, Sample
from ecr_engine.emotion.recognition import EmotionRecogniser
from ecr_engine.evaluation.corpus import corpus_of
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.evaluation.metrics._emotions import SOURCE, felt, label_f1
from ecr_engine.rewards.resources import Resources


class MeanEmotionF1:
    """Macro F1 over the emotions that one of the sides shows.

    Args:
        recogniser: says what texts show.
    """

    name = "emotion_f1"
    key = "emotion_f1"
    family = Family.EMPATHY
    low = 0.0
    high = 1.0
    higher_is_better: bool | None = True
    explanation = (
        "Mean over the emotions that a response or a seeker shows of their F1: responses that show the emotion "
        "against seekers who do."
    )
    source = SOURCE
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, recogniser: EmotionRecogniser) -> None:
        self._recogniser = recogniser

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over the corpus; NaN if no turn answers the seeker."""
        turns = [turn for turn in felt(corpus_of(samples), self._recogniser) if turn is not None]
        known = [found for label in EMOTIONS if (found := label_f1(turns, label)) is not None]
        return MetricResult(math.fsum(known) / len(known) if known else math.nan, ())


def build(resources: Resources) -> Metric:
    """The metric."""
    return MeanEmotionF1(resources.emotion)
