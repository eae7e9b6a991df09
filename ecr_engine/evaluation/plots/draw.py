"""Draws all plots of a run that its data allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecr_engine.evaluation.comparison import Comparison
from ecr_engine.evaluation.plots.curves import loss_curve, reward_curve
from ecr_engine.evaluation.plots.distributions import length_distribution, reward_distribution
from ecr_engine.evaluation.plots.divergence import frontier, kl_curve
from ecr_engine.evaluation.plots.effects import before_after
from ecr_engine.evaluation.plots.forest import forest
from ecr_engine.evaluation.plots.multiples import component_curves, update_curves
from ecr_engine.evaluation.plots.style import DPI, styled
from ecr_engine.evaluation.plots.table import Drawing, write_csv
from ecr_engine.evaluation.turn_values import TurnValues
from ecr_engine.runs.events import Event

OUTCOME = ("comparison", "before_after", "reward_turns", "lengths")
"""Plots of what came out, in the order of the report."""

TRAINING = ("reward", "components", "kl", "frontier", "updates", "loss")
"""Plots of how it came about, in the order of the report."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot on disk.

    Attributes:
        name: name of its files.
        title: its heading in a report.
        alt: what it shows, in words and numbers.
        png: the picture.
        csv: the same data.
        note: how to read it; empty if its title says all.
    """

    name: str
    title: str
    alt: str
    png: Path
    csv: Path
    note: str = ""


def draw_plots(
    folder: Path,
    events: Sequence[Event],
    comparison: Comparison | None,
    *,
    turns: TurnValues | None = None,
    kl_target: float | None = None,
) -> tuple[Plot, ...]:
    """Draws each plot that there is data for, and removes an older one that there is none for.

    Args:
        folder: where the PNG and CSV files go, such as `runs/demo/plots`; made if it is not there.
        events: the run's events, oldest first.
        comparison: the run's comparison, if it has one.
        turns: what each turn of both evaluations came to, if the run has both.
        kl_target: target of the KL of a response in nats, if the run has one.

    Returns:
        The plots drawn, in the order of the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with styled():
        drawings = _drawings(events, comparison, turns, kl_target)
        drawn = (_save(folder, name, drawings[name]()) for name in (*OUTCOME, *TRAINING))
        return tuple(plot for plot in drawn if plot is not None)


def _drawings(
    events: Sequence[Event], comparison: Comparison | None, turns: TurnValues | None, kl_target: float | None
) -> Mapping[str, Callable[[], Drawing | None]]:
    """How each plot is drawn, by name."""
    return {
        "comparison": lambda: forest(comparison) if comparison is not None else None,
        "before_after": lambda: before_after(comparison) if comparison is not None else None,
        "reward_turns": lambda: reward_distribution(turns) if turns is not None else None,
        "lengths": lambda: length_distribution(turns) if turns is not None else None,
        "reward": lambda: reward_curve(events),
        "components": lambda: component_curves(events),
        "kl": lambda: kl_curve(events, kl_target),
        "frontier": lambda: frontier(events),
        "updates": lambda: update_curves(events),
        "loss": lambda: loss_curve(events),
    }


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
    return Plot(name, drawing.title, drawing.alt, png, csv, drawing.note)
