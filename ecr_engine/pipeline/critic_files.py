"""What is written and told of a critic beside its checkpoints: `report.json`, `calibration.png` and `.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecr_engine.evaluation.critic_report import CriticReport, HeadColumns, to_json
from ecr_engine.evaluation.plots.calibration import calibration
from ecr_engine.evaluation.plots.draw import save_drawing
from ecr_engine.evaluation.plots.style import styled
from ecr_engine.runs.atomic import write_json
from ecr_engine.runs.events import Emit
from ecr_engine.training.critic import STAGE
from ecr_engine.training.critic_labels import OVERALL
from ecr_engine.training.critic_look import BEFORE

REPORT = "report.json"
CALIBRATION = "calibration"


def write_report(folder: Path, report: CriticReport, columns: Sequence[HeadColumns]) -> None:
    """Writes the report of a critic and draws its calibration.

    Args:
        folder: the critic's; it exists.
        report: what was measured.
        columns: what it was measured on.
    """
    write_json(folder / REPORT, to_json(report))
    with styled():
        save_drawing(folder, CALIBRATION, calibration(columns))


def tell_report(report: CriticReport, emit: Emit) -> None:
    """Tells the figures of `overall`, and warns of heads whose labels look crossed."""
    scores, before = report.head(OVERALL), report.head(BEFORE)
    emit(
        STAGE,
        "note",
        what=f"held-out R2 {_text(scores.critic.r2.value)}, Spearman {_text(scores.critic.spearman.value)} "
        f"(words alone: {_text(scores.length_only.spearman.value)}), MSE {_text(scores.critic.mse.value, 4)} "
        f"(training mean: {_text(scores.mean_predictor.mse.value, 4)}), "
        f"before the response R2 {_text(before.critic.r2.value)}",
    )
    for crossing in report.crossed:
        emit(
            STAGE,
            "warning",
            what=f"labels look crossed: head '{crossing.head}' follows '{crossing.follows}' "
            f"(Spearman {crossing.other:.2f}) rather than its own labels ({crossing.own:.2f})",
            why="a critic that learned one dimension under the name of another pays for the wrong thing",
            fix="compare the names in the file of judgements with what the judge was asked, and judge again",
        )


def _text(value: float | None, digits: int = 2) -> str:
    return "none" if value is None else f"{value:.{digits}f}"
