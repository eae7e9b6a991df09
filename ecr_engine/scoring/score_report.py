"""How scores are distributed: numbers, a table as CSV and a picture as PNG."""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecr_engine.data.staging import staged
from ecr_engine.errors import DataError
from ecr_engine.scoring.bias import LengthBias, PositionBias, length_bias, placed_bias
from ecr_engine.scoring.store import read_judgements, score_ranges
from ecr_engine.scoring.tally import failure_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10
"""Equal parts of a dimension's range in which scores are counted; the last one holds the highest score too."""

PICTURE = "scores.png"
TABLE = "scores.csv"

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours that colour-blind readers tell apart (Okabe and Ito 2008)."""

_GREY = "#6b7280"
_DPI = 200


@dataclass(frozen=True, slots=True)
class Distribution:
    """The scores of one dimension.

    Attributes:
        dimension: its name.
        low: the lowest score that there can be.
        high: the highest score that there can be.
        scored: how many scores there are.
        mean: their mean.
        deviation: their standard deviation (n − 1); None of a single score.
        quantiles: the least, the quartiles and the greatest of them, five numbers.
        counts: scores in each of `BINS` equal parts of the range.
    """

    dimension: str
    low: float
    high: float
    scored: int
    mean: float
    deviation: float | None
    quantiles: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileReport:
    """The scores of one file.

    Attributes:
        path: the file.
        judges: names of its judges; empty if it does not say.
        rows: rows of the file.
        failed: those with a failure.
        failures: number of failures by kind, the most frequent first.
        dimensions: one entry for each dimension that has a score.
        systems: mean of each dimension by whose responses they are.
        length: how far scores go by the number of words, by dimension.
        position: what the place of a response was worth, by dimension; empty where no swap test was made.
    """

    path: Path
    judges: tuple[str, ...]
    rows: int
    failed: int
    failures: Mapping[str, int]
    dimensions: tuple[Distribution, ...]
    systems: Mapping[str, Mapping[str, float]]
    length: tuple[LengthBias, ...]
    position: tuple[PositionBias, ...]


def file_report(path: Path) -> FileReport:
    """The distribution of a file's scores; it holds the numbers of the file, and not its texts.

    Raises:
        DataError: the file is missing, empty or damaged.
    """
    scores: dict[str, array[float]] = {}
    ranges: dict[str, tuple[float, float]] = {}
    failures: Counter[str] = Counter()
    judges: dict[str, None] = {}
    systems: dict[str, dict[str, list[float]]] = {}
    rows = 0
    for row in read_judgements(path):
        rows += 1
        judges |= dict.fromkeys(row.judges)
        if row.judgement.failure is not None:
            failures[failure_kind(row.judgement.failure)] += 1
        for name, score in row.judgement.scores.items():
            if name not in scores:
                scores[name], ranges[name] = array("d"), score_ranges(row)[name]
            scores[name].append(score)
            total = systems.setdefault(row.who, {}).setdefault(name, [0.0, 0.0])
            total[0] += score
            total[1] += 1
    if not rows:
        raise DataError("the file has no judgements", at=str(path), fix="make it with `ecrctl score run`")
    found = tuple(_distribution(name, np.asarray(each), ranges[name]) for name, each in scores.items())
    return FileReport(
        path=path,
        judges=tuple(judges),
        rows=rows,
        failed=failures.total(),
        failures=dict(failures.most_common()),
        dimensions=found,
        systems={who: {name: total / count for name, (total, count) in sums.items()} for who, sums in systems.items()},
        length=length_bias(read_judgements(path)),
        position=placed_bias(read_judgements(path)),
    )


def write_report(reports: Sequence[FileReport], output: Path) -> tuple[Path, Path]:
    """Writes the picture and the table, and returns their paths; the folder appears whole or not at all.

    Raises:
        UsageError: the folder holds other files, or can't be written.
    """
    with staged(output, is_report) as stage:
        with (stage / TABLE).open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows(table(reports))
        draw(reports).savefig(stage / PICTURE, dpi=_DPI)
    return output / PICTURE, output / TABLE


def is_report(folder: Path) -> bool:
    """Whether a folder holds a report of scores."""
    return (folder / TABLE).is_file()


def table(reports: Sequence[FileReport]) -> Iterator[list[str | int | float]]:
    """The counts as rows, a head first: one row for each bin of each dimension of each file."""
    yield ["file", "judges", "dimension", "from", "to", "count"]
    for report in reports:
        for each in report.dimensions:
            edges = _edges(each.low, each.high)
            for place, count in enumerate(each.counts):
                low, high = (float(edge) for edge in edges[place : place + 2])
                yield [str(report.path), " + ".join(report.judges), each.dimension, low, high, count]
        yield [str(report.path), " + ".join(report.judges), "failure", "", "", report.failed]


def draw(reports: Sequence[FileReport]) -> Figure:
    """One small histogram for each dimension, the files in colours, as shares of their scores."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(each.dimension for report in reports for each in report.dimensions))
    figure = Figure(figsize=(7.2, 0.9 + 1.5 * max(1, len(names))), layout="constrained")
    axes = figure.subplots(max(1, len(names)), 1, squeeze=False)[:, 0]
    for place, name in enumerate(names):
        axis = axes[place]
        for number, report in enumerate(reports):
            found = next((each for each in report.dimensions if each.dimension == name), None)
            if found is not None:
                shares = np.array(found.counts) / found.scored
                edges, colour = _edges(found.low, found.high), COLOURS[number % len(COLOURS)]
                axis.stairs(shares, edges, fill=True, color=colour, alpha=0.18)
                axis.stairs(shares, edges, color=colour, linewidth=1.4)
                axis.axvline(found.mean, color=colour, linewidth=1.0, linestyle=(0, (4, 3)))
        axis.set_title(name, loc="left", fontsize=9.5)
        axis.set_ylim(bottom=0.0)
        axis.set_ylabel("share", fontsize=8)
        axis.tick_params(labelsize=8, colors=_GREY)
        axis.spines[["top", "right"]].set_visible(False)
    handles = [
        axes[0].plot([], [], color=COLOURS[number % len(COLOURS)], label=_legend(report))[0]
        for number, report in enumerate(reports)
    ]
    figure.legend(handles=handles, loc="outside upper left", fontsize=8, frameon=False)
    figure.supxlabel("score; dashed: mean", fontsize=8, color=_GREY)
    return figure


def _legend(report: FileReport) -> str:
    who = " + ".join(report.judges) or report.path.stem
    return f"{who}: {report.rows - report.failed:,} scored, {report.failed:,} failures"


def _distribution(name: str, scores: np.ndarray, bounds: tuple[float, float]) -> Distribution:
    low, high = bounds
    return Distribution(
        dimension=name,
        low=low,
        high=high,
        scored=len(scores),
        mean=float(scores.mean()),
        deviation=float(scores.std(ddof=1)) if len(scores) > 1 else None,
        quantiles=tuple(float(each) for each in np.quantile(scores, [0.0, 0.25, 0.5, 0.75, 1.0])),
        counts=tuple(int(count) for count in np.histogram(scores, bins=_edges(low, high))[0]),
    )


def _edges(low: float, high: float) -> np.ndarray:
    """Ends of the bins, as they are written: what is 0.3 belongs to the bin that begins with it."""
    return np.round(np.linspace(low, high, BINS + 1), 9)
