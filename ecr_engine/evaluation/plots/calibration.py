"""The calibration of a critic: what the judge said where the critic said so much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecr_engine.evaluation.plots.style import BLUE, GREY, PALE, WIDE, canvas, note
from ecr_engine.evaluation.plots.table import Cell, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecr_engine.evaluation.critic_report import HeadColumns

BINS = 10
"""Points of a curve: equally many responses stand behind each."""

COLUMNS = 3
"""Curves side by side."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Responses with like predictions.

    Attributes:
        n: how many.
        said: the mean prediction.
        truth: the mean of the judge's scores.
        low: their lower quartile.
        high: their upper quartile.
    """

    n: int
    said: float
    truth: float
    low: float
    high: float


def bins(said: Sequence[float], truth: Sequence[float], count: int = BINS) -> list[Bin]:
    """Predictions in order, cut into `count` groups of like size; fewer where there are fewer rows."""
    order = np.argsort(said, kind="stable")
    groups = np.array_split(order, min(count, len(order)))
    labels, numbers = np.asarray(truth), np.asarray(said)
    return [
        Bin(
            len(rows),
            float(numbers[rows].mean()),
            float(labels[rows].mean()),
            *(float(edge) for edge in np.quantile(labels[rows], [0.25, 0.75])),
        )
        for rows in groups
    ]


def calibration(columns: Sequence[HeadColumns]) -> Drawing:
    """A curve for each value and quality head; on the diagonal the critic means what it says.

    Args:
        columns: the heads; those of emotions are left out.
    """
    heads = [each for each in columns if each.kind != "emotion"]
    curves = {each.head: bins(each.said, each.truth) for each in heads}
    across = min(COLUMNS, len(heads))
    down = -(-len(heads) // across)
    figure = canvas(2.4 * down + 0.3, WIDE)
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for panel, (name, curve) in zip(panels, curves.items(), strict=False):
        _draw(panel, name, curve)
    for panel in panels[len(curves) :]:
        panel.set_visible(False)
    note(figure, "Across: what the critic says. Up: mean score of the judge, with its quartiles. Tenths of responses.")
    header: list[Cell] = ["head", "n", "predicted", "judged", "judged_q1", "judged_q3"]
    rows: list[list[Cell]] = [[name, b.n, b.said, b.truth, b.low, b.high] for name, c in curves.items() for b in c]
    return Drawing("calibration", "Calibration of the critic", _alt(curves), figure, [header, *rows])


def _draw(panel: Axes, name: str, curve: Sequence[Bin]) -> None:
    said = [each.said for each in curve]
    panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    panel.vlines(said, [each.low for each in curve], [each.high for each in curve], color=PALE, linewidth=2)
    panel.plot(said, [each.truth for each in curve], color=BLUE, marker="o", markersize=3, linewidth=1.4)
    panel.set_title(name)
    panel.set_ylim(-0.03, 1.03)


def _alt(curves: dict[str, list[Bin]]) -> str:
    """How far each curve is from the diagonal, in words and numbers."""
    gaps = {
        name: sum(each.n * abs(each.said - each.truth) for each in curve) / sum(each.n for each in curve)
        for name, curve in curves.items()
    }
    return "Mean distance of prediction and judge's score in tenths of the responses: " + ", ".join(
        f"{name} {gap:.3f}" for name, gap in gaps.items()
    )
