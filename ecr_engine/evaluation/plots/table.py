"""What a plot is made of: a figure, and the same data as rows."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.evaluation.plots.series import Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot before it is a file.

    Attributes:
        name: name of its files.
        title: its heading in a report.
        alt: what it shows, in words and numbers.
        figure: the figure.
        rows: the same data; the first row has the names of the columns.
        note: how to read it, for the small print under it; empty if the title says all.
    """

    name: str
    title: str
    alt: str
    figure: Figure
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def aligned(index: str, columns: Mapping[str, Series]) -> list[list[Cell]]:
    """Curves as rows, one for each step that any of them has; a header first, None where a curve has no value.

    Args:
        index: name of the column of steps.
        columns: the curves by name.
    """
    values = {name: dict(zip(curve.steps, curve.values, strict=True)) for name, curve in columns.items()}
    steps = sorted({step for curve in columns.values() for step in curve.steps})
    rows: list[list[Cell]] = [[index, *columns]]
    rows += [[step, *(curve.get(step) for curve in values.values())] for step in steps]
    return rows


def write_csv(path: Path, rows: Sequence[Sequence[Cell]]) -> None:
    """Writes rows as CSV; None and NaN are empty cells."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([["" if _empty(cell) else cell for cell in r] for r in rows])


def _empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
