"""The forest plot of a comparison: how much each metric changed, with its interval, beside whether it was paid for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING

from ecr_engine.evaluation.comparison import Comparison, MetricComparison
from ecr_engine.evaluation.plots.effects import metric_rows
from ecr_engine.evaluation.plots.style import BLUE, GREY, INK, VERMILION, canvas, label_at_edge, row_axes, signed
from ecr_engine.evaluation.plots.table import Drawing
from ecr_engine.evaluation.table_rows import grouped_rows
from ecr_engine.evaluation.values import OBJECTIVE
from ecr_engine.evaluation.verdict import is_significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 2.0
"""Relative differences beyond this (200 %) are cut off at the edge of the plot; their numbers still stand."""

ORDINARY = 4.0
"""An interval that reaches this many times as far as the median one is cut off too: else it flattens all others."""

Row = tuple[str, MetricComparison]


def forest(comparison: Comparison) -> Drawing | None:
    """Relative differences of the metrics that have an interval, one row each, in the groups of the table.

    Those that the table folds into one row are left out of the picture; the CSV has all.
    """
    shown = _shown(comparison)
    if not shown:
        return None
    headings = len({title for title, _ in shown})
    figure = canvas(0.9 + 0.26 * (len(shown) + headings))
    _draw(row_axes(figure, _labels(shown)), shown, comparison)
    told = [f"{m.metric} {_change(m)}{', paid for' if m.in_reward else ', held out'}" for _, m in shown]
    alt = f"Forest plot of relative differences with {comparison.confidence:.0%} intervals: {'; '.join(told)}."
    title = f"Differences between {comparison.b.name} and {comparison.a.name}, with intervals"
    rows = metric_rows(comparison.metrics.values())
    return Drawing("comparison", title, alt, figure, rows, _note(comparison, shown))


def _shown(comparison: Comparison) -> list[Row]:
    """The metrics of the picture, each with the heading that it stands under."""
    return [
        (group.title, metric)
        for group in grouped_rows(comparison)
        for metric in group.rows
        if metric.relative is not None and metric.interval is not None
    ]


def _labels(shown: Sequence[Row]) -> list[str]:
    """What stands at the left: the headings, and the metrics under each."""
    labels = []
    for title, rows in groupby(shown, key=lambda row: row[0]):
        labels += [title, *(f"{m.metric} *" if m.in_reward else m.metric for _, m in rows)]
    return labels


def _draw(axes: Axes, shown: Sequence[Row], comparison: Comparison) -> None:
    limits = _limits([metric for _, metric in shown])
    place = 0
    for _, rows in groupby(shown, key=lambda row: row[0]):
        axes.get_yticklabels()[place].set_fontweight("bold")
        place += 1
        for _, metric in rows:
            _forest_row(axes, place, metric, limits, comparison.confidence)
            place += 1
    axes.axvline(0.0, color=INK, linewidth=1.0)
    axes.set_xlim(*limits)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: signed(f"{value:+.0%}") if value else "0")
    axes.tick_params(labelsize=9)
    axes.set_xlabel(f"relative difference of {comparison.b.name} from {comparison.a.name}", fontsize=9.5)


def _limits(shown: Sequence[MetricComparison]) -> tuple[float, float]:
    """Both ends of the axis: all ordinary intervals and 0, with some room, up to `WIDEST`."""
    ends = [end for metric in shown for end in _relative_interval(metric)]
    reach = min(WIDEST, ORDINARY * median(max(map(abs, _relative_interval(metric))) for metric in shown)) or WIDEST
    low, high = max(-reach, min(0.0, *ends)), min(reach, max(0.0, *ends))
    room = 0.08 * max(high - low, 0.1)
    return low - room, high + room


def _relative_interval(metric: MetricComparison) -> tuple[float, float]:
    """The interval of the difference in units of the first side's value."""
    assert metric.interval is not None
    return metric.interval.low / abs(metric.a), metric.interval.high / abs(metric.a)


def _forest_row(axes: Axes, row: int, metric: MetricComparison, limits: tuple[float, float], confidence: float) -> None:
    """One metric: its interval, its mark and its number.

    A mark is full where the metric was held out and hollow where the reward pays for it; the objective's is a diamond,
    and an arrow stands for what is beyond the edge. What is significant has a thick interval.
    """
    assert metric.relative is not None
    colour, clear = _colour(metric, confidence), is_significant(metric, confidence)
    ends = [min(max(end, limits[0]), limits[1]) for end in _relative_interval(metric)]
    axes.plot(ends, [row, row], color=colour, linewidth=2.6 if clear else 1.2, zorder=2)
    for end, shown in zip(_relative_interval(metric), ends, strict=True):
        axes.plot(shown, row, marker=_arrow(end, limits), markersize=4.5, color=colour, clip_on=False)
    marker = _arrow(metric.relative, limits) or ("D" if metric.metric == OBJECTIVE else "o")
    place = min(max(metric.relative, limits[0]), limits[1])
    face = "white" if metric.in_reward else colour
    axes.plot(
        place, row, marker=marker, markersize=6.5, color=colour, markerfacecolor=face, markeredgewidth=1.6,
        clip_on=False, zorder=3,
    )  # fmt: skip
    label_at_edge(axes, row, _change(metric), colour)


def _arrow(value: float, limits: tuple[float, float]) -> str:
    """The mark of what is beyond an edge; no mark for what is not."""
    return "<" if value < limits[0] else ">" if value > limits[1] else ""


def _colour(metric: MetricComparison, confidence: float) -> str:
    """Blue for better, vermilion for worse, grey where nothing is shown or no direction is better."""
    if metric.higher_is_better is None or not is_significant(metric, confidence):
        return GREY
    return BLUE if (metric.difference > 0) == metric.higher_is_better else VERMILION


def _change(metric: MetricComparison) -> str:
    assert metric.relative is not None
    return signed(f"{metric.relative:+.1%}")


def _note(comparison: Comparison, shown: Sequence[Row]) -> str:
    drawn = {metric.metric for _, metric in shown}
    left = len(comparison.metrics) - len(drawn)
    text = (
        f"{comparison.confidence:.0%} paired intervals over {comparison.dialogues:,} dialogues. Full mark: "
        "held out from the reward. Hollow mark and *: paid for by it. Thick: significant after Holm's correction, blue "
        "for better and orange for worse; thin and grey: not significant, or no direction is better. An arrow lies "
        "beyond the edge."
    )
    return f"{text} Not drawn, since folded in the table or without an interval: {left}." if left else text
