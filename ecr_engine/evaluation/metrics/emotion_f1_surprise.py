"""emotion_f1/surprise: whether the response shows `surprise` where the seeker does."""

from __future__ import annotations

from ecr_engine.evaluation.metric import Metric
from ecr_engine.evaluation.metrics._emotions import EmotionF1
from ecr_engine.rewards.resources import Resources


def build(resources: Resources) -> Metric:
    """The metric of one emotion."""
    return EmotionF1(resources.emotion, "surprise")
