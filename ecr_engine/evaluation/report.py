"""The report of a run: one HTML file that needs nothing else, made from the files of the run folder."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.comparison import Comparison, MetricComparison, SideBySide
from ecr_engine.evaluation.evidence import Evidence, gather, kl_target
from ecr_engine.evaluation.plots import Plot, draw_plots
from ecr_engine.evaluation.values import OBJECTIVE
from ecr_engine.evaluation.verdict import verdict
from ecr_engine.runs.atomic import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "report.html.j2"
GROUPS = (
    "Objective",
    "Components of the reward",
    "Metrics that the reward pays for",
    "Metrics outside the reward",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot inside the report.

    Attributes:
        title: its heading.
        alt: what it shows, in words.
        data: the PNG as a `data:` address.
        csv: name of the file with its numbers.
    """

    title: str
    alt: str
    data: str
    csv: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of the comparison table under one heading.

    Attributes:
        title: the heading.
        rows: its metrics.
    """

    title: str
    rows: tuple[MetricComparison, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Dialogues of one kind.

    Attributes:
        title: the heading.
        empty: what to say if there are none.
        dialogues: the dialogues.
    """

    title: str
    empty: str
    dialogues: tuple[SideBySide, ...]


def write_report(run: Path) -> Path:
    """Draws the plots of a run and writes its `report.html`; parts that the run lacks are named as missing.

    Args:
        run: the run folder.

    Returns:
        The report's path.

    Raises:
        DataError: it is no run folder, or a file in it is damaged.
    """
    evidence = gather(run)
    plots = draw_plots(
        evidence.folder.plots, evidence.events, evidence.comparison, kl_target=kl_target(evidence.config)
    )
    path = evidence.folder.report
    write_text(path, render(evidence, plots))
    return path


def render(evidence: Evidence, plots: Sequence[Plot]) -> str:
    """The report as HTML; all text of the run is escaped.

    Args:
        evidence: the content of the run folder.
        plots: the plots to embed, in order.
    """
    comparison = evidence.comparison
    text = resources.files("ecr_engine.evaluation").joinpath("templates", TEMPLATE).read_text(encoding="utf-8")
    return (
        _environment()
        .from_string(text)
        .render(
            run=evidence,
            comparison=comparison,
            verdict=verdict(comparison) if comparison is not None else None,
            mood=mood(comparison),
            groups=_groups(comparison) if comparison is not None else (),
            pictures=[_picture(plot) for plot in plots],
            chapters=_chapters(comparison) if comparison is not None else (),
            started=datetime.fromtimestamp(evidence.record.started, UTC).strftime("%Y-%m-%d %H:%M UTC"),
            command=shlex.join(evidence.record.command),
            words=wording,
        )
    )


def mood(comparison: Comparison | None) -> str:
    """How the objective came out: "better", "worse" or "unclear"."""
    objective = comparison.metrics.get(OBJECTIVE) if comparison is not None else None
    if objective is None or objective.interval is None:
        return "unclear"
    if objective.interval.low > 0:
        return "better"
    return "worse" if objective.interval.high < 0 else "unclear"


def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _picture(plot: Plot) -> Picture:
    data = base64.b64encode(plot.png.read_bytes()).decode("ascii")
    return Picture(plot.title, plot.alt, f"data:image/png;base64,{data}", f"plots/{plot.csv.name}")


def _groups(comparison: Comparison) -> tuple[Group, ...]:
    """The metrics under the headings of the table; headings without metrics are left out."""
    metrics = list(comparison.metrics.values())
    found = (Group(title, tuple(m for m in metrics if wording.group(m) == title)) for title in GROUPS)
    return tuple(group for group in found if group.rows)


def _chapters(comparison: Comparison) -> tuple[Chapter, ...]:
    return (
        Chapter("Most improved", "No turn has a higher reward than before.", comparison.improved),
        Chapter("Most harmed", "No turn has a lower reward than before.", comparison.harmed),
        Chapter("Drawn at random", "There are no turns.", comparison.random),
    )
