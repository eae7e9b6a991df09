"""Plot of the reward components before and after, and the rows of a comparison as a CSV has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.plots.style import BLUE, GREY, canvas, row_axes, short
from ecr_engine.evaluation.plots.table import Cell, Drawing
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.values import COMPONENT_PREFIX

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def before_after(comparison: Comparison) -> Drawing | None:
    """Each reward component on both sides, with intervals."""
    shown = [metric for key, metric in comparison.metrics.items() if key.startswith(COMPONENT_PREFIX)]
    if not shown:
        return None
    figure = canvas(0.9 + 0.5 * len(shown))
    axes = row_axes(figure, [metric.metric.removeprefix(COMPONENT_PREFIX) for metric in shown])
    for row, metric in enumerate(shown):
        axes.plot([metric.a, metric.b], [row, row], color=GREY, linewidth=0.8, alpha=0.5)
        _dot(axes, metric.a, row - 0.13, metric.interval_a, after=False)
        _dot(axes, metric.b, row + 0.13, metric.interval_b, after=True)
    axes.set_ylim(len(shown) - 0.4, -0.75)
    axes.margins(x=0.12)
    axes.set_title("Reward components on held-out turns")
    told = [f"{m.metric.removeprefix(COMPONENT_PREFIX)} from {m.a:.3f} to {m.b:.3f}" for m in shown]
    alt = f"Dot plot of the reward components before and after: {', '.join(told)}."
    note = (
        f"Hollow: {comparison.a.name}. Full: {comparison.b.name}. Means over turns with {comparison.confidence:.0%} "
        "intervals over dialogues; greater is better."
    )
    return Drawing("before_after", "Reward components before and after", alt, figure, metric_rows(shown), note)


def _dot(axes: Axes, value: float, row: float, interval: Interval | None, *, after: bool) -> None:
    colour = BLUE if after else GREY
    if interval is not None:
        axes.plot([interval.low, interval.high], [row, row], color=colour, linewidth=2.2, alpha=0.55)
    axes.plot(value, row, marker="o", markersize=6.5, color=colour, markerfacecolor=colour if after else "white")
    axes.annotate(
        short(value),
        (value, row),
        xytext=(0, -7 if after else 7),
        textcoords="offset points",
        ha="center",
        va="top" if after else "bottom",
        color=colour,
        fontsize=8.5,
    )


def metric_rows(metrics: Iterable[MetricComparison]) -> list[list[Cell]]:
    """The metrics of a comparison as rows, a header first."""
    header: list[Cell] = ["metric", "a", "b", "difference", "low", "high", "relative", "p", "p_holm", "n", "in_reward"]
    return [header, *(_metric_row(metric) for metric in metrics)]


def _metric_row(m: MetricComparison) -> list[Cell]:
    low, high = (m.interval.low, m.interval.high) if m.interval else (None, None)
    return [m.metric, m.a, m.b, m.difference, low, high, m.relative, m.p, m.p_holm, m.n, str(m.in_reward).lower()]
