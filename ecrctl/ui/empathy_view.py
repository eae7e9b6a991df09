"""How the training of an empathy recogniser is shown: its plan, its progress and its report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.config.sections.training import EmpathyTrainingSettings
    from ecr_engine.emotion.epitome import EmpathyData
    from ecr_engine.training.empathy_scores import EmpathyReport, LevelScores

_NONE = "–"


@dataclass(frozen=True, slots=True)
class EmpathyPlan:
    """What `--dry-run` shows.

    Attributes:
        output: the folder that would be made.
        files: the file of each mechanism that has one.
        posts: different posts in each part of the data.
        rows: graded pairs of each mechanism, by part.
        settings: the section `[empathy_training]`.
        seed: of the training.
        device: where it would run.
    """

    output: Path
    files: Mapping[str, Path]
    posts: Mapping[str, int]
    rows: Mapping[str, Mapping[str, int]]
    settings: Mapping[str, Any]
    seed: int
    device: str


def plan_of(
    data: EmpathyData, folder: Path, settings: EmpathyTrainingSettings, *, seed: int, device: str
) -> EmpathyPlan:
    """What would be trained, on what."""
    from ecr_engine.data.schema import Split

    return EmpathyPlan(
        output=folder,
        files=data.files,
        posts={part.value: data.posts(part) for part in Split},
        rows={name: {part.value: len(data.grades(name, part)) for part in Split} for name in data.mechanisms},
        settings=settings.model_dump(),
        seed=seed,
        device=device,
    )


def show_plan(plan: EmpathyPlan, *, as_json: bool) -> None:
    """Prints what would be trained."""
    if as_json:
        print_document(plan)
        return
    console = results()
    columns = [Column("mechanism"), *(Column(part, right=True) for part in plan.posts), Column("file", folds=True)]
    rows = [
        (name, *(f"{count:,}" for count in counts.values()), str(plan.files[name]))
        for name, counts in plan.rows.items()
    ]
    show(console, columns, rows)
    console.print()
    facts(console, [*_not_trained(plan.files), ("posts", _parts(plan.posts)), ("folder", str(plan.output))])
    facts(console, [(f"empathy_training.{key}", str(value)) for key, value in plan.settings.items()])
    facts(console, [("seed", str(plan.seed)), ("device", plan.device)])


def show_report(report: EmpathyReport, *, as_json: bool) -> None:
    """Prints the scores on test of each mechanism, beside the lexical recogniser and the commonest level."""
    if as_json:
        print_document(report)
        return
    console = results()
    _show_scores(console, report)
    console.print()
    trained = {name: found for name, found in report.mechanisms.items() if found is not None}
    facts(
        console,
        [
            *_not_trained(trained),
            ("posts", _parts(report.posts)),
            ("steps", f"{report.steps:,}; the weights of step {report.best_step:,} were kept"),
            ("encoder", report.encoder),
            ("folder", report.folder),
            ("to use it", f"ecrctl run --set {shlex.quote(f'emotion.empathy={report.folder}')}"),
        ],
    )


def _show_scores(console: Console, report: EmpathyReport) -> None:
    columns = [
        Column("mechanism"),
        Column("graded by"),
        Column("pairs", right=True),
        Column("macro-F1", right=True, short="F1"),
        Column("accuracy", right=True, short="acc."),
        *(Column(f"F1 {level}", right=True, spare=1) for level in ("none", "weak", "strong")),
    ]
    rows = []
    for name, found in report.mechanisms.items():
        if found is not None:
            pairs = f"{sum(found.levels.values()):,}"
            rows.append((name, "this recogniser", pairs, *_scores(found.trained)))
            rows.append(("", "lexical", "", *_scores(found.lexical)))
            rows.append(("", "commonest level", "", *_scores(found.majority)))
    show(console, columns, rows)


def _scores(scores: LevelScores) -> list[str]:
    by_level = [_NONE if value is None else f"{value:.3f}" for value in scores.f1]
    return [f"{scores.macro_f1:.3f}", f"{scores.accuracy:.3f}", *by_level]


def _not_trained(trained: Mapping[str, object]) -> list[tuple[str, str]]:
    from ecr_engine.emotion.epitome import MECHANISMS

    missing = [name for name in MECHANISMS if name not in trained]
    return [("not trained", f"{', '.join(missing)}: no file was given; graded by 'lexical'")] if missing else []


def _parts(posts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {part}" for part, count in posts.items())
