"""One evaluation as a table."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import duration, fixed
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.evaluation.store import EvaluationResult
    from ecr_engine.evaluation.values import MetricValue

BASELINE = "baseline"
"""The evaluation that others are held against."""

_BETTER = {True: "higher", False: "lower", None: NO_VALUE}


def show_evaluation(folder: Path, result: EvaluationResult, *, as_json: bool, warning: str | None = None) -> None:
    """Prints the metrics of one evaluation.

    Args:
        folder: where it is.
        result: its values.
        as_json: as one document.
        warning: what is said of it on stderr, for the document.

    Raises:
        FailedMetricsError: some of them failed; it comes after the others are printed.
    """
    from ecr_engine.evaluation.store import FailedMetricsError, failures

    if as_json:
        print_document({"folder": folder, "result": result, "warning": warning})
    else:
        _print(folder, result)
    failed = failures(result, folder)
    if failed:
        raise FailedMetricsError(failed)


def show_generation(folder: Path, result: EvaluationResult, *, as_json: bool) -> None:
    """Says where the responses are, and how to measure them."""
    if as_json:
        print_document({"folder": folder, "result": result})
        return
    facts(
        results(),
        [
            ("system", f"{result.name} ({result.checkpoint})"),
            ("turns", f"{result.turns} of the {result.split} split, in {duration(result.seconds)}"),
            ("written", str(folder)),
            ("measure", f"ecrctl eval rescore {shlex.quote(str(folder))}"),
        ],
    )


def _print(folder: Path, result: EvaluationResult) -> None:
    console = results()
    columns = (
        Column("metric"),
        Column("value", right=True),
        Column("interval", right=True, spare=1),
        Column("better", spare=2),
    )
    show(console, columns, [_row(key, value) for key, value in result.metrics.items()])
    console.print(Text("* the reward pays for it", "dim"))
    console.print()
    facts(
        console,
        [
            ("system", f"{result.name} ({result.checkpoint})"),
            ("turns", f"{result.turns} of the {result.split} split, in {duration(result.seconds)}"),
            ("written", str(folder)),
            *_next(folder),
        ],
    )


def _next(folder: Path) -> list[tuple[str, str]]:
    """What to type next, where the baseline of the same run is evaluated too."""
    from ecr_engine.evaluation.store import is_evaluation

    baseline = folder.parent / BASELINE
    if folder.name == BASELINE or not is_evaluation(baseline):
        return []
    return [("next", f"ecrctl compare {shlex.quote(str(baseline))} {shlex.quote(str(folder))}")]


def _row(key: str, metric: MetricValue) -> tuple[str, str, str, str]:
    interval = metric.interval
    return (
        f"{key} *" if metric.in_reward else key,
        NO_VALUE if metric.value is None else fixed(metric.value),
        NO_VALUE if interval is None else f"{fixed(interval.low)} … {fixed(interval.high)}",
        _BETTER[metric.higher_is_better],
    )
