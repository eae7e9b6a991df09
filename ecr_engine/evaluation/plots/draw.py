"""Draws all plots of a run that its data allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.evaluation.comparison import Comparison
from ecr_engine.evaluation.plots.curves import component_curves, kl_curve, loss_curve, reward_curve
from ecr_engine.evaluation.plots.effects import before_after, forest
from ecr_engine.evaluation.plots.style import DPI, styled
from ecr_engine.evaluation.plots.table import Drawing, write_csv
from ecr_engine.runs.events import Event

NAMES = ("before_after", "comparison", "reward", "components", "kl", "loss")
"""All plots, in the order of the report."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot on disk.

    Attributes:
        name: name of its files.
        title: its heading in a report.
        alt: what it shows, in words and numbers.
        png: the picture.
        csv: the same data.
    """

    name: str
    title: str
    alt: str
    png: Path
    csv: Path


def draw_plots(
    folder: Path, events: Sequence[Event], comparison: Comparison | None, *, kl_target: float | None = None
) -> tuple[Plot, ...]:
    """Draws each plot that there is data for, and removes an older one that there is none for.

    Args:
        folder: where the PNG and CSV files go, such as `runs/demo/plots`; made if it is not there.
        events: the run's events, oldest first.
        comparison: the run's comparison, if it has one.
        kl_target: target of the KL of a response in nats, if the run has one.

    Returns:
        The plots drawn, in the order of the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with styled():
        drawings = {
            "before_after": before_after(comparison) if comparison is not None else None,
            "comparison": forest(comparison) if comparison is not None else None,
            "reward": reward_curve(events),
            "components": component_curves(events),
            "kl": kl_curve(events, kl_target),
            "loss": loss_curve(events),
        }
        return tuple(plot for name in NAMES if (plot := _save(folder, name, drawings[name])) is not None)


def _save(folder: Path, name: str, drawing: Drawing | None) -> Plot | None:
    png, csv = folder / f"{name}.png", folder / f"{name}.csv"
    if drawing is None:
        png.unlink(missing_ok=True)
        csv.unlink(missing_ok=True)
        return None
    return save_drawing(folder, name, drawing)


def save_drawing(folder: Path, name: str, drawing: Drawing) -> Plot:
    """Writes a plot as PNG and its data as CSV; `folder` exists."""
    png, csv = folder / f"{name}.png", folder / f"{name}.csv"
    drawing.figure.savefig(png, dpi=DPI)
    write_csv(csv, drawing.rows)
    return Plot(name, drawing.title, drawing.alt, png, csv)
