"""A comparison of two evaluations as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ecrctl.ui.numbers import clip, fixed, percent, signed
from ecrctl.ui.tables import Column, show

if TYPE_CHECKING:
    from ecr_engine.evaluation.comparison import Comparison, MetricComparison

NO_VALUE = "–"
SMALLEST_P = 0.001
_NAME = 20


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Prints the table, what its marks mean, and the verdict."""
    from ecr_engine.evaluation.verdict import verdict

    interval = f"{comparison.confidence * 100:g} % interval"
    columns = (
        Column("metric"),
        Column(clip(comparison.a.name, _NAME), right=True),
        Column(clip(comparison.b.name, _NAME), right=True),
        Column("difference", right=True, short="change"),
        Column("relative", right=True, spare=2),
        Column(interval, right=True, spare=1),
        Column("p", right=True, spare=3),
    )
    show(console, columns, [_row(metric) for metric in comparison.metrics.values()])
    console.print(Text("* the reward pays for it", "dim"))
    for key, why in comparison.skipped.items():
        console.print(Text(f"{key}: not compared, {why}", "dim"), soft_wrap=True)
    for difference in comparison.forced:
        console.print(Text(f"forced: {difference}", "yellow"), soft_wrap=True)
    console.print()
    console.print(Text(verdict(comparison), "bold"))


def _row(metric: MetricComparison) -> list[str | Text]:
    return [
        f"{metric.metric} *" if metric.in_reward else metric.metric,
        fixed(metric.a),
        fixed(metric.b),
        Text(signed(metric.difference), _style(metric)),
        NO_VALUE if metric.relative is None else percent(metric.relative),
        _interval(metric),
        _p(metric.p),
    ]


def _interval(metric: MetricComparison) -> str:
    if metric.interval is None:
        return NO_VALUE
    return f"{signed(metric.interval.low)}…{signed(metric.interval.high)}"


def _p(p: float | None) -> str:
    if p is None:
        return NO_VALUE
    return f"<{SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def _style(metric: MetricComparison) -> str:
    """Green or red only where the interval leaves 0 out and one direction is the better one."""
    if metric.interval is None or metric.higher_is_better is None:
        return ""
    if metric.interval.low <= 0 <= metric.interval.high:
        return ""
    return "green" if (metric.difference > 0) == metric.higher_is_better else "red"
