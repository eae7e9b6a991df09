"""Stages `compare` and `report`: the statistics, and what a person reads."""

from __future__ import annotations

from ecr_engine.evaluation.compare import compare, verdict, write_comparison
from ecr_engine.evaluation.model_card import write_model_card
from ecr_engine.evaluation.report import write_report
from ecr_engine.pipeline.stage import StageContext


def run_compare(context: StageContext) -> None:
    """Compares the policy with the baseline, turn by turn."""
    settings = context.settings
    comparison = compare(
        context.folder.evaluation("baseline"),
        context.folder.evaluation("policy"),
        resamples=settings.compare.resamples,
        confidence=settings.compare.confidence,
        seed=settings.seed,
    )
    write_comparison(context.folder.comparison, comparison)
    context.emit("compare", "note", what=verdict(comparison))


def run_report(context: StageContext) -> None:
    """Writes `report.html`, the plots and the model card."""
    path = write_report(context.folder.root)
    write_model_card(context.folder.root)
    context.emit("report", "note", what=f"report written to {path.name}")
