"""The report of a run: one HTML file that needs nothing else, made from the files of the run folder."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.evaluation import wording
from ecr_engine.evaluation.comparison import Comparison, SideBySide
from ecr_engine.evaluation.evidence import Evidence, gather, kl_target
from ecr_engine.evaluation.expected_gains import expected_gain
from ecr_engine.evaluation.plots import OUTCOME, Plot, draw_plots
from ecr_engine.evaluation.reward_told import reward_facts
from ecr_engine.evaluation.table_rows import grouped_rows
from ecr_engine.evaluation.turn_values import TurnDetails
from ecr_engine.evaluation.values import OBJECTIVE
from ecr_engine.evaluation.verdict import LEAST_DIALOGUES, verdict
from ecr_engine.runs.atomic import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "report.html.j2"

NO_DETAILS = TurnDetails((), {}, {})


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot inside the report.

    Attributes:
        title: its heading.
        alt: what it shows, in words and numbers.
        note: how to read it; empty if its title says all.
        data: the PNG as a `data:` address.
        csv: name of the file with its numbers.
    """

    title: str
    alt: str
    note: str
    data: str
    csv: str


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
        evidence.folder.plots,
        evidence.events,
        evidence.comparison,
        turns=evidence.turns,
        kl_target=kl_target(evidence.config),
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
    return _environment().get_template(TEMPLATE).render(run=evidence, words=wording, **_parts(evidence, plots))


def mood(comparison: Comparison | None) -> str:
    """How the objective came out, as the verdict has it: "better", "worse" or "unclear"."""
    objective = comparison.metrics.get(OBJECTIVE) if comparison is not None else None
    if comparison is None or objective is None or objective.interval is None or objective.p is None:
        return "unclear"
    if comparison.dialogues < LEAST_DIALOGUES or objective.p >= 1.0 - comparison.confidence:
        return "unclear"
    if objective.interval.low > 0:
        return "better"
    return "worse" if objective.interval.high < 0 else "unclear"


def _parts(evidence: Evidence, plots: Sequence[Plot]) -> dict[str, Any]:
    """What the template shows beside the run's own content."""
    comparison = evidence.comparison
    return {
        "comparison": comparison,
        "verdict": verdict(comparison) if comparison is not None else None,
        "mood": mood(comparison),
        "groups": grouped_rows(comparison) if comparison is not None else (),
        "expected": expected_gain,
        "outcome_pictures": [_picture(plot) for plot in plots if plot.name in OUTCOME],
        "training_pictures": [_picture(plot) for plot in plots if plot.name not in OUTCOME],
        "chapters": _chapters(comparison) if comparison is not None else (),
        "details": _details(evidence),
        "rewarded": reward_facts(evidence),
        "started": datetime.fromtimestamp(evidence.record.started, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(evidence.record.command),
    }


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("ecr_engine.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _picture(plot: Plot) -> Picture:
    data = base64.b64encode(plot.png.read_bytes()).decode("ascii")
    return Picture(plot.title, plot.alt, plot.note, f"data:image/png;base64,{data}", f"plots/{plot.csv.name}")


def _chapters(comparison: Comparison) -> tuple[Chapter, ...]:
    return (
        Chapter("Most improved", "No turn has a higher reward than before.", comparison.improved),
        Chapter("Most harmed", "No turn has a lower reward than before.", comparison.harmed),
        Chapter("Drawn at random", "There are no turns.", comparison.random),
    )


def _details(evidence: Evidence) -> Mapping[str, TurnDetails]:
    """What is known of each turn that is shown."""
    if evidence.comparison is None:
        return {}
    known = evidence.turns.details if evidence.turns is not None else {}
    shown = (turn for chapter in _chapters(evidence.comparison) for turn in chapter.dialogues)
    return {turn.example_id: known.get(turn.example_id, NO_DETAILS) for turn in shown}
