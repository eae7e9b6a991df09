"""The look of all plots: quiet axes, labels beside what they name, colours that colour-blind readers tell apart.

The colours are from the palette of Okabe and Ito (2008).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREY = "#6b7280"
PALE = "#9ab8cc"
INK = "#1f2933"
RULE = "#e3e7eb"

WIDTH = 5.2
"""Inches; every plot of a report is as wide, so that type has one size throughout. A phone shows this at two thirds of
its size, which keeps the type above nine pixels."""

WIDE = 7.2
"""Inches, for a plot with panels side by side that stands alone."""

DPI = 200
"""Twice the density of a screen."""

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.xmargin": 0.015,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draws what is inside in this style, and leaves matplotlib's settings as they were."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        yield


def canvas(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def row_axes(figure: Figure, rows: Sequence[str]) -> Axes:
    """One plot with a named row for each of `rows`, the first at the top, and a vertical grid."""
    axes = figure.subplots()
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return axes


def label_at_edge(axes: Axes, y: float, text: str, colour: str, *, anchor: str = "center") -> None:
    """Writes `text` beside the right edge of a plot, at the height `y` of what it names.

    Args:
        axes: the plot.
        y: height in the units of the plot.
        text: the label.
        colour: that of what it names.
        anchor: "center", "bottom" (the text stands on `y`) or "top" (it hangs from it).
    """
    axes.annotate(
        text,
        (1.0, y),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        color=colour,
        va=anchor,
        annotation_clip=False,
        fontsize=9,
    )


def signed(text: str) -> str:
    """A number with a true minus sign, like those of the axes."""
    return text.replace("-", "\N{MINUS SIGN}")


def short(value: float) -> str:
    """A number for a plot: two decimals, or three where two would leave nothing of it."""
    text = f"{value:.2f}"
    return signed(text if float(text) else f"{value:.3f}") if value else "0.00"


def note(figure: Figure, text: str) -> None:
    """Writes a line of small print under the plot."""
    figure.supxlabel(textwrap.fill(text, 110), fontsize=8, color=GREY, x=0.01, ha="left")
