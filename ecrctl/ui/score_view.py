"""What a judge said, in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import duration, fixed, number
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.scoring.tally import JobSummary

_KINDS = 10
"""Kinds of failure that are listed."""


def show_plan(plan: Mapping[str, object], *, as_json: bool) -> None:
    """Prints what would be judged, and how."""
    if as_json:
        print_document(plan)
        return
    facts(results(), [(key, NO_VALUE if value is None else str(value)) for key, value in plan.items()])


def show_summary(summary: JobSummary, *, as_json: bool) -> None:
    """Prints the mean of each dimension over the responses that could be scored; a failure is no score of 0."""
    if as_json:
        print_document(summary)
        return
    console = results()
    columns = (Column("dimension"), Column("mean", right=True))
    means = [(name, fixed(mean)) for name, mean in summary.means.items()]
    show(console, columns, means or [(NO_VALUE, NO_VALUE)])
    console.print()
    if summary.failures:
        kinds = list(summary.failures.items())[:_KINDS]
        show(console, (Column("failure", folds=True), Column("rows", right=True)), [(k, f"{n:,}") for k, n in kinds])
        console.print()
    facts(console, _facts(summary))


def _facts(summary: JobSummary) -> list[tuple[str, str]]:
    pace = f", {number(summary.rows_per_s)} a second" if summary.rows_per_s else ""
    cut = f"{summary.turns_cut:,} responses without the oldest turns, which did not fit"
    again = f"ecrctl score run … --output {summary.output} --retry-failures"
    return [
        ("judge", f"{summary.judge}, dimensions {summary.dimensions}"),
        ("scored", f"{summary.scored} responses, {summary.failed} failures"),
        ("from", f"the judge {summary.asked:,}, the cache {summary.cached:,}, there before {summary.kept:,}"),
        *([("cut", cut)] if summary.turns_cut else []),
        ("took", f"{duration(summary.seconds)}{pace}"),
        ("written", str(summary.output)),
        *([("again", again)] if summary.failed else []),
    ]
