"""Small plots side by side: the reward components, and the figures that tell how healthy the updates are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ecr_engine.evaluation.plots.series import Series, keys_of, series, smooth, window
from ecr_engine.evaluation.plots.style import BLUE, GREY, PALE, canvas, short
from ecr_engine.evaluation.plots.table import Drawing, aligned
from ecr_engine.runs.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RL = "rl"
COLUMNS = 2
"""Small plots in a row."""

UPDATES = {
    "objective/entropy": "entropy (nats)",
    "policy/clip_fraction": "clipped ratios",
    "value/explained_variance": "explained variance",
    "completions/mean_length": "length (tokens)",
    "completions/clipped_ratio": "cut at the limit",
    "train/grad_norm": "gradient norm",
}
"""Figures of an update by event key, and what they are called."""


def component_curves(events: Sequence[Event]) -> Drawing | None:
    """One small plot for each reward component."""
    names = keys_of(events, RL, "rewards/", "/mean")
    found = {name: series(events, RL, "step", f"rewards/{name}/mean") for name in names}
    found = {name: curve for name, curve in found.items() if curve}
    if not found:
        return None
    figure = _grid(found)
    alt = f"Small line plots of the mean of each reward component by update: {_told(found)}."
    return Drawing("components", "Reward components of the rollouts", alt, figure, aligned("step", found), _note(found))


def update_curves(events: Sequence[Event]) -> Drawing | None:
    """One small plot for each figure of the updates that the run has."""
    found = {name: series(events, RL, "step", key) for key, name in UPDATES.items()}
    found = {name: curve for name, curve in found.items() if curve}
    if not found:
        return None
    alt = f"Small line plots of the health of the updates: {_told(found)}."
    return Drawing("updates", "Health of the updates", alt, _grid(found), aligned("step", found), _note(found))


def _grid(found: Mapping[str, Series]) -> Figure:
    """A figure with a small plot for each curve."""
    down = math.ceil(len(found) / COLUMNS)
    figure = canvas(0.35 + 1.45 * down)
    grid = figure.subplots(down, COLUMNS, squeeze=False)
    for axes, (name, curve) in zip(grid.flat, found.items(), strict=False):
        _small(axes, name, curve)
    for axes in grid.flat[len(found) :]:
        axes.set_visible(False)
    figure.supxlabel("PPO update", fontsize=9.5)
    return figure


def _small(axes: Axes, name: str, curve: Series) -> None:
    smoothed = smooth(curve.values, window(len(curve.values)))
    axes.plot(curve.steps, curve.values, color=PALE, linewidth=0.9)
    axes.plot(curve.steps, smoothed, color=BLUE, linewidth=2.0)
    axes.set_title(name, fontsize=10, fontweight="normal")
    axes.set_title(_ends(smoothed), fontsize=9, fontweight="normal", loc="right", color=GREY)
    axes.tick_params(labelsize=9)
    axes.margins(y=0.15)


def _ends(smoothed: Sequence[float]) -> str:
    return f"{short(smoothed[0])} → {short(smoothed[-1])}"


def _told(found: Mapping[str, Series]) -> str:
    """The course of each curve: its smoothed ends."""
    told = []
    for name, curve in found.items():
        smoothed = smooth(curve.values, window(len(curve.values)))
        told.append(f"{name} from {smoothed[0]:.2f} to {smoothed[-1]:.2f}")
    return ", ".join(told)


def _note(found: Mapping[str, Series]) -> str:
    width = max(window(len(curve.values)) for curve in found.values())
    return f"Thin: each update. Thick: mean of {width} updates." if width > 1 else ""
