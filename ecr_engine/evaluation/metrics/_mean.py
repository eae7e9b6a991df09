"""Metrics that are the mean of what each turn scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.evaluation.metric import MetricResult


def mean_result(scores: Sequence[float | None]) -> MetricResult:
    """The mean over the turns that have a score, NaN if none has, with the scores themselves."""
    known = [score for score in scores if score is not None]
    return MetricResult(math.fsum(known) / len(known) if known else math.nan, tuple(scores))
