"""The results in the guide's form: one flat JSON object, `evaluation_results_<time>.json`."""

from __future__ import annotations

import time

from ecr_engine.evaluation.store import EvaluationResult


def guide_document(result: EvaluationResult, now: float) -> dict[str, dict[str, float]]:
    """The document by its file name: the metrics that have a value, by key (`bleu@1`, `dist@1`, `item_ratio`, …).

    Args:
        result: what was measured.
        now: seconds since the epoch; the local time stands in the file's name.
    """
    name = f"evaluation_results_{time.strftime('%Y%m%d_%H%M%S', time.localtime(now))}.json"
    return {name: {key: metric.value for key, metric in result.metrics.items() if metric.value is not None}}
