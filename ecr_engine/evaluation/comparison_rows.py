"""The table of a comparison as cells of text, the same for Markdown and HTML, and as cells of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.comparison import Comparison, MetricComparison

CSV_HEAD = (
    "baseline", "system", "metric", "a", "b", "difference", "relative", "expected", "low", "high", "p", "p_holm",
    "effect", "wins", "ties", "losses", "n", "method", "higher_is_better", "in_reward", "runs_a", "runs_b",
)  # fmt: skip
"""Columns of the CSV; `low` and `high` are the ends of the interval of the difference."""

MARK = "*"
"""Stands behind metrics that the reward pays for."""


def head(comparison: Comparison) -> tuple[str, ...]:
    """The headings of the table."""
    interval = f"{comparison.confidence * 100:g} % interval"
    return (
        "Metric", comparison.a.name, comparison.b.name, "Difference", "Relative", "Guide", interval, "p", "Holm's p",
        "Effect", "Wins/ties/losses", "Outcome",
    )  # fmt: skip


def row(metric: MetricComparison, confidence: float) -> tuple[str, ...]:
    """One metric of the table.

    Args:
        metric: the metric.
        confidence: at which an outcome is named.
    """
    return (
        f"{metric.metric} {MARK}" if metric.in_reward else metric.metric,
        wording.number(metric.a),
        wording.number(metric.b),
        wording.number(metric.difference, sign=True),
        wording.percent(metric.relative),
        guide(metric),
        wording.interval(metric.interval),
        wording.p_value(metric.p),
        wording.p_value(metric.p_holm),
        wording.number(metric.effect, sign=True),
        turns(metric),
        wording.outcome(metric, confidence),
    )


def guide(metric: MetricComparison) -> str:
    """What the guide expects, beside what was found; empty where it expects nothing."""
    if metric.expected is None:
        return ""
    return f"expected +{100 * metric.expected:g} %, got {wording.percent(metric.relative)}"


def turns(metric: MetricComparison) -> str:
    """Wins, ties and losses by turn; a dash where the metric has no values by turn."""
    if not metric.wins + metric.ties + metric.losses:
        return wording.NOTHING
    return f"{metric.wins}/{metric.ties}/{metric.losses}"


def seeds(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Each metric with its value by seed on both sides; empty where no side has several seeds."""
    if max(len(comparison.a.runs), len(comparison.b.runs)) < 2:
        return []
    return [(metric.metric, _by_seed(metric.runs_a), _by_seed(metric.runs_b)) for metric in comparison.metrics.values()]


def _by_seed(values: Sequence[float]) -> str:
    return ", ".join(map(wording.number, values))


def notes(comparison: Comparison) -> Iterator[str]:
    """What has to be known to read the table, a sentence each."""
    decoding = ", ".join(f"{key} {value}" for key, value in comparison.decoding.items())
    yield (
        f"{comparison.turns:,} turns of {comparison.dialogues:,} dialogues of the {comparison.split} split"
        f"{f'; {decoding}' if decoding else ''}."
    )
    yield (
        f"Intervals and p values: {comparison.resamples:,} paired resamples of dialogues, and exchanges of the two "
        f"sides by dialogue; {_jackknifed(comparison)}seed {comparison.seed}. Holm's correction counts all metrics."
    )
    yield f"{MARK} the reward pays for it: no evidence beside the objective."
    for key, why in comparison.skipped.items():
        yield f"{key}: not compared, {why}."
    for difference in comparison.forced:
        yield f"Forced: {difference}."


def _jackknifed(comparison: Comparison) -> str:
    found = [metric.metric for metric in comparison.metrics.values() if metric.method == "jackknife"]
    return f"for {', '.join(found)} the jackknife over dialogues; " if found else ""


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as CSV with a heading, one line for each metric of each; empty cells where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for comparison in comparisons:
        writer.writerows(_csv_row(comparison, metric) for metric in comparison.metrics.values())
    return text.getvalue()


def _csv_row(comparison: Comparison, m: MetricComparison) -> tuple[object, ...]:
    low, high = (m.interval.low, m.interval.high) if m.interval else (None, None)
    runs_a, runs_b = (" ".join(map(repr, runs)) for runs in (m.runs_a, m.runs_b))
    better = None if m.higher_is_better is None else str(m.higher_is_better).lower()
    return (
        comparison.a.name, comparison.b.name, m.metric, m.a, m.b, m.difference, m.relative, m.expected, low, high, m.p,
        m.p_holm, m.effect, m.wins, m.ties, m.losses, m.n, m.method, better, str(m.in_reward).lower(), runs_a, runs_b,
    )  # fmt: skip
