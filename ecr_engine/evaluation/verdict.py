"""The outcome of a comparison in one honest sentence."""

from __future__ import annotations

from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.values import OBJECTIVE


def verdict(comparison: Comparison) -> str:
    """What the comparison shows about the objective, with its interval, and what happened beside the objective.

    The objective decides by the interval of its paired difference; other metrics count as changed where their p value
    with Holm's correction is below one minus the confidence.
    """
    objective = comparison.metrics.get(OBJECTIVE)
    if objective is None:
        return "No verdict: the two evaluations share no objective (reward)."
    sentence = f"{_headline(comparison, objective)}; {_beside(comparison)}."
    return sentence[0].upper() + sentence[1:]


def is_significant(metric: MetricComparison, confidence: float) -> bool:
    """Whether a metric differs at this confidence once all metrics of the comparison are corrected for."""
    return metric.p_holm is not None and metric.p_holm < 1.0 - confidence


def _headline(comparison: Comparison, objective: MetricComparison) -> str:
    a, b = comparison.a.name, comparison.b.name
    where = f"on {comparison.turns:,} held-out {comparison.split} turns of {comparison.dialogues:,} dialogues"
    values = f"reward {objective.b:.3f} against {objective.a:.3f}, difference {objective.difference:+.3f}"
    if objective.interval is None:
        return f"Nothing can be concluded {where}: {values}, and too few dialogues for an interval"
    low, high = objective.interval.low, objective.interval.high
    numbers = f"{values}, {comparison.confidence:.0%} interval {low:+.3f} to {high:+.3f}"
    if low > 0:
        return f"{b} is better than {a} at the objective {where} ({numbers})"
    if high < 0:
        return f"{b} is worse than {a} at the objective {where} ({numbers})"
    if low == high == 0:
        return f"{b} and {a} score exactly the same at the objective {where} ({numbers})"
    return f"No difference between {b} and {a} is shown at the objective {where} ({numbers})"


def _beside(comparison: Comparison) -> str:
    """What happened to the metrics that the reward does not pay for."""
    outside = [
        m
        for m in comparison.metrics.values()
        if not m.in_reward and m.p_holm is not None and m.higher_is_better is not None
    ]
    if not outside:
        return "no tested metric outside the reward speaks for or against it"
    changed = [m for m in outside if is_significant(m, comparison.confidence)]
    better = [m.metric for m in changed if (m.difference > 0) == m.higher_is_better]
    worse = [m.metric for m in changed if (m.difference > 0) != m.higher_is_better]
    parts = [f"{', '.join(better)} better"] if better else []
    parts += [f"{', '.join(worse)} worse"] if worse else []
    outcome = " and ".join(parts) if parts else "none changed significantly"
    return f"of {len(outside)} tested metrics outside the reward: {outcome}"
