"""The outcome of a comparison in one honest sentence."""

from __future__ import annotations

from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.values import OBJECTIVE

LEAST_DIALOGUES = 10
"""With fewer, nothing is concluded: a bootstrap over so few dialogues gives intervals that are too narrow."""


def verdict(comparison: Comparison) -> str:
    """What the comparison shows about the objective, with its interval, and what happened beside the objective.

    The objective is said to differ where the interval of its paired difference excludes 0 and its p value is below one
    minus the confidence; other metrics count as changed by the same rule, their p value with Holm's correction.
    """
    objective = comparison.metrics.get(OBJECTIVE)
    if objective is None:
        return "No verdict: the two evaluations share no objective (reward)."
    sentence = f"{_headline(comparison, objective)}; {_beside(comparison)}."
    return sentence[0].upper() + sentence[1:]


def is_significant(metric: MetricComparison, confidence: float) -> bool:
    """Whether a metric differs at this confidence once all metrics of the comparison are corrected for.

    Its interval has to exclude 0 as well: with few dialogues the two can contradict each other.
    """
    if metric.interval is None or metric.p_holm is None:
        return False
    return metric.p_holm < 1.0 - confidence and (metric.interval.low > 0 or metric.interval.high < 0)


def _headline(comparison: Comparison, objective: MetricComparison) -> str:
    where = f"on {comparison.turns:,} held-out {comparison.split} turns of {comparison.dialogues:,} dialogues"
    values = f"reward {objective.b:.3f} against {objective.a:.3f}, difference {objective.difference:+.3f}"
    obstacle = _obstacle(comparison, objective)
    if obstacle:
        return f"Nothing can be concluded {where}: {values}, and {obstacle}"
    assert objective.interval is not None and objective.p is not None
    low, high = objective.interval.low, objective.interval.high
    interval = f"{comparison.confidence:.0%} interval {low:+.3f} to {high:+.3f}"
    outcome = _outcome(comparison, objective.p, low, high)
    return f"{outcome} at the objective {where} ({values}, {interval}, {_p(objective.p)})"


def _obstacle(comparison: Comparison, objective: MetricComparison) -> str:
    """Why the objective can't decide, as the end of a sentence; empty if it can."""
    if comparison.dialogues < LEAST_DIALOGUES:
        return f"{comparison.dialogues} are too few dialogues: at least {LEAST_DIALOGUES} are needed"
    if objective.interval is None or objective.p is None:
        return "no interval can be drawn from the turns that have it on both sides"
    return ""


def _outcome(comparison: Comparison, p: float, low: float, high: float) -> str:
    """What is claimed: a difference only where the interval and the p value both show one."""
    a, b = comparison.a.name, comparison.b.name
    apart, unlikely = low > 0 or high < 0, p < 1.0 - comparison.confidence
    if apart and unlikely:
        return f"{b} is {'better' if low > 0 else 'worse'} than {a}"
    if low == high == 0:
        return f"{b} and {a} score exactly the same"
    doubt = ""
    if apart:
        doubt = ", since the interval excludes 0 but the p value does not confirm it,"
    elif unlikely:
        doubt = ", since the p value is small but the interval includes 0,"
    return f"No difference between {b} and {a} is shown{doubt}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p {p:.3f}"


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
