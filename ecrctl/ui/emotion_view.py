"""How the training of an emotion recogniser is shown: its plan, its progress and its report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import duration
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.training.emotion import EmotionTraining
    from ecr_engine.training.emotion_plan import EmotionPlan
    from ecr_engine.training.emotion_report import Confusion, EmotionReport, LabelScore

_ABSENT = "not in this source"
_NO_TEXT = "–"
_INITIALS = 4
_FINGERPRINT = 16


def show_plan(plan: EmotionPlan, *, as_json: bool) -> None:
    """Prints what would be trained, and on what."""
    if as_json:
        print_document(plan)
        return
    console = results()
    columns = [Column("emotion"), *(Column(split, right=True) for split in plan.texts)]
    rows = [
        (label, *(f"{plan.labels[split][label]:,}" for split in plan.texts))
        for label in next(iter(plan.labels.values()))
    ]
    show(console, columns, [*rows, *_gaps(plan.not_covered, len(columns))])
    console.print()
    texts = ", ".join(f"{count:,} {split}" for split, count in plan.texts.items())
    facts(console, [("texts", texts), ("steps", f"{plan.steps:,}"), ("folder", str(plan.output))])
    facts(console, [(f"emotion.{key}", str(value)) for key, value in plan.settings.items()])
    facts(console, [("seed", str(plan.seed)), ("device", plan.device)])


def show_training(training: EmotionTraining, *, as_json: bool) -> None:
    """Prints how well each emotion is recognised, beside the lexical default and the majority, and the confusion."""
    if as_json:
        print_document(training)
        return
    console = results()
    _show_scores(console, training.report)
    console.print()
    _show_confusion(console, training.report.confusion)
    console.print()
    fit = training.fit
    facts(
        console,
        [
            ("measured on", f"{training.report.texts:,} texts of the test split"),
            ("trained on", f"{training.train:,} texts, {fit.steps:,} steps, {duration(fit.seconds)}"),
            ("kept", f"epoch {fit.best_epoch}, macro-F1 {fit.dev_macro_f1:.3f} on {training.dev:,} texts of dev"),
            ("encoder", training.encoder),
            ("data", training.fingerprint[:_FINGERPRINT]),
            ("folder", str(training.folder)),
            ("to use it", f"ecrctl data annotate PROCESSED --recogniser {shlex.quote(str(training.folder))}"),
        ],
    )


def _show_scores(console: Console, report: EmotionReport) -> None:
    columns = [
        Column("emotion"),
        Column("precision", right=True, short="prec.", spare=2),
        Column("recall", right=True, spare=2),
        Column("F1", right=True),
        Column("texts", right=True, spare=1),
        Column(f"F1 {report.lexical.recogniser}", right=True, short="lexical"),
        Column(f"F1 {report.majority.recogniser}", right=True, short="majority"),
    ]
    trained, lexical, majority = report.trained, report.lexical, report.majority
    rows = [
        _score_row(label, trained.labels[label], lexical.labels[label], majority.labels[label])
        for label in trained.labels
    ]
    means = [
        _score_row("macro", trained.macro, lexical.macro, majority.macro),
        _score_row("micro", trained.micro, lexical.micro, majority.micro),
    ]
    show(console, columns, [*rows, *means])
    for label in report.not_covered:
        console.print(f"{label}: {_ABSENT}, and not averaged in")
    for label in [label for label, score in trained.labels.items() if not score.support]:
        console.print(f"{label}: no text of the test split shows it, and it is not averaged in")


def _score_row(name: str, trained: LabelScore, lexical: LabelScore, majority: LabelScore) -> tuple[str, ...]:
    # Where no text shows a label, its 0 is no result; the macro leaves it out too.
    values = (trained.precision, trained.recall, trained.f1, lexical.f1, majority.f1)
    cells = [f"{value:.3f}" if trained.support else _NO_TEXT for value in values]
    return name, *cells[:3], f"{trained.support:,}", *cells[3:]


def _show_confusion(console: Console, confusion: Confusion) -> None:
    """Rows are what a text shows, columns what was recognised first, in percent of the row."""
    columns = [
        Column("shown \\ taken for, in %"),
        *(Column(label, right=True, short=label[:_INITIALS]) for label in confusion.labels),
        Column("texts", right=True, spare=1),
    ]
    rows = [
        (label, *_shares(counts), f"{sum(counts):,}")
        for label, counts in zip(confusion.labels, confusion.counts, strict=True)
    ]
    show(console, columns, rows)


def _shares(counts: Iterable[int]) -> list[str]:
    found = list(counts)
    total = sum(found)
    return [f"{100 * count / total:.0f}" if count else "·" for count in found]


def _gaps(labels: Iterable[str], width: int) -> list[tuple[str, ...]]:
    """Rows for the emotions without examples."""
    return [(label, _ABSENT, *[""] * (width - 2)) for label in labels]
