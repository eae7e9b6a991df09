"""Plots of a comparison: what changed, and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.plots.style import BLUE, GREY, INK, VERMILION, canvas, label_at_edge, note, row_axes, signed
from ecr_engine.evaluation.plots.table import Cell, Drawing
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.values import COMPONENT_PREFIX, OBJECTIVE
from ecr_engine.evaluation.verdict import is_significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 2.0
"""Relative differences beyond this (200 %) are cut off at the edge of the forest plot; their numbers still stand."""


def forest(comparison: Comparison) -> Drawing | None:
    """Relative differences of all metrics that have an interval, one row each."""
    shown = [m for m in comparison.metrics.values() if m.relative is not None and m.interval is not None]
    if not shown:
        return None
    figure = canvas(1.3 + 0.3 * len(shown))
    axes = row_axes(figure, [_name(metric) for metric in shown])
    limits = _limits(shown)
    for row, metric in enumerate(shown):
        _forest_row(axes, row, metric, limits, comparison.confidence)
    axes.axvline(0.0, color=INK, linewidth=1.0)
    axes.set_xlim(*limits)
    axes.xaxis.set_major_formatter(lambda value, _: signed(f"{value:+.0%}") if value else "0")
    axes.set_title(f"{comparison.b.name} against {comparison.a.name}: relative difference")
    note(figure, _forest_note(comparison, shown))
    told = [f"{m.metric} {m.relative:+.1%}" for m in shown if m.relative is not None]
    alt = f"Forest plot of relative differences with {comparison.confidence:.0%} intervals: {', '.join(told)}."
    title = f"Differences between {comparison.b.name} and {comparison.a.name}, with intervals"
    return Drawing("comparison", title, alt, figure, _metric_rows(comparison.metrics.values()))


def before_after(comparison: Comparison) -> Drawing | None:
    """Each reward component on both sides, with intervals."""
    shown = [metric for key, metric in comparison.metrics.items() if key.startswith(COMPONENT_PREFIX)]
    if not shown:
        return None
    figure = canvas(1.2 + 0.5 * len(shown))
    axes = row_axes(figure, [metric.metric.removeprefix(COMPONENT_PREFIX) for metric in shown])
    for row, metric in enumerate(shown):
        axes.plot([metric.a, metric.b], [row, row], color=GREY, linewidth=0.8, alpha=0.5)
        _dot(axes, metric.a, row - 0.13, metric.interval_a, GREY)
        _dot(axes, metric.b, row + 0.13, metric.interval_b, BLUE)
    _name_sides(axes, comparison)
    axes.set_ylim(len(shown) - 0.4, -0.75)
    axes.margins(x=0.12)
    axes.set_title("Reward components on held-out turns")
    note(figure, f"Means over turns with {comparison.confidence:.0%} intervals over dialogues; greater is better.")
    told = [f"{m.metric.removeprefix(COMPONENT_PREFIX)} from {m.a:.3f} to {m.b:.3f}" for m in shown]
    alt = f"Dot plot of the reward components before and after: {', '.join(told)}."
    return Drawing("before_after", "Reward components before and after", alt, figure, _metric_rows(shown))


def _limits(shown: Sequence[MetricComparison]) -> tuple[float, float]:
    """Both ends of the forest plot's axis: all intervals and 0, with some room, up to `WIDEST`."""
    ends = [end for metric in shown for end in _relative_interval(metric)]
    low, high = max(-WIDEST, min(0.0, *ends)), min(WIDEST, max(0.0, *ends))
    room = 0.08 * max(high - low, 0.1)
    return low - room, high + room


def _relative_interval(metric: MetricComparison) -> tuple[float, float]:
    """The interval of the difference in units of the first side's value."""
    assert metric.interval is not None
    return metric.interval.low / abs(metric.a), metric.interval.high / abs(metric.a)


def _forest_row(axes: Axes, row: int, metric: MetricComparison, limits: tuple[float, float], confidence: float) -> None:
    """One metric: its interval, a dot (a diamond for the objective, an arrow beyond the edge) and its number."""
    assert metric.relative is not None
    colour = _colour(metric, confidence)
    ends = [min(max(end, limits[0]), limits[1]) for end in _relative_interval(metric)]
    axes.plot(ends, [row, row], color=colour, linewidth=1.8)
    marker = "D" if metric.metric == OBJECTIVE else "o"
    if metric.relative < limits[0]:
        marker = "<"
    elif metric.relative > limits[1]:
        marker = ">"
    place = min(max(metric.relative, limits[0]), limits[1])
    axes.plot(place, row, marker=marker, markersize=6.5, color=colour, clip_on=False)
    label_at_edge(axes, row, signed(f"{metric.relative:+.1%}"), colour)


def _colour(metric: MetricComparison, confidence: float) -> str:
    """Blue for better, vermilion for worse, grey where nothing is shown or no direction is better."""
    if metric.higher_is_better is None or not is_significant(metric, confidence):
        return GREY
    return BLUE if (metric.difference > 0) == metric.higher_is_better else VERMILION


def _name(metric: MetricComparison) -> str:
    return f"{metric.metric} *" if metric.in_reward else metric.metric


def _forest_note(comparison: Comparison, shown: Sequence[MetricComparison]) -> str:
    drawn = {metric.metric for metric in shown}
    left_out = [key for key in comparison.metrics if key not in drawn]
    text = (
        f"{comparison.confidence:.0%} paired bootstrap intervals over {comparison.dialogues:,} dialogues. Blue better, "
        "orange worse, grey not significant after Holm's correction or without a direction. * paid for by the reward."
    )
    return f"{text} Not drawn, having no interval or a first value of 0: {', '.join(left_out)}." if left_out else text


def _dot(axes: Axes, value: float, row: float, interval: Interval | None, colour: str) -> None:
    if interval is not None:
        axes.plot([interval.low, interval.high], [row, row], color=colour, linewidth=2.2, alpha=0.55)
    axes.plot(value, row, marker="o", markersize=6.5, color=colour)
    axes.annotate(
        signed(f"{value:.2f}"),
        (value, row),
        xytext=(0, 7 if colour == GREY else -7),
        textcoords="offset points",
        ha="center",
        va="bottom" if colour == GREY else "top",
        color=colour,
        fontsize=7.5,
    )


def _name_sides(axes: Axes, comparison: Comparison) -> None:
    """The key to the two colours, above the plot at the right."""
    axes.text(1.0, 1.0, comparison.b.name, transform=axes.transAxes, color=BLUE, ha="right", va="bottom")
    axes.text(0.86, 1.0, comparison.a.name, transform=axes.transAxes, color=GREY, ha="right", va="bottom")


def _metric_rows(metrics: Iterable[MetricComparison]) -> list[list[Cell]]:
    header: list[Cell] = ["metric", "a", "b", "difference", "low", "high", "relative", "p", "p_holm", "n", "in_reward"]
    return [header, *(_metric_row(metric) for metric in metrics)]


def _metric_row(m: MetricComparison) -> list[Cell]:
    low, high = (m.interval.low, m.interval.high) if m.interval else (None, None)
    return [m.metric, m.a, m.b, m.difference, low, high, m.relative, m.p, m.p_holm, m.n, str(m.in_reward).lower()]
