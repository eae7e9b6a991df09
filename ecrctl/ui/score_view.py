"""What a judge said, in a table."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecrctl.ui.comparison import NO_VALUE
from ecrctl.ui.console import results
from ecrctl.ui.document import plain, print_document
from ecrctl.ui.numbers import duration, fixed, number
from ecrctl.ui.score_tables import show_biases, show_systems
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from rich.console import Console

    from ecr_engine.scoring.score_report import FileReport
    from ecr_engine.scoring.tally import JobSummary

_KINDS = 10
"""Kinds of failure that are listed."""


def show_plan(plan: Mapping[str, object], *, as_json: bool) -> None:
    """Prints what would be judged, and how."""
    if as_json:
        print_document(plan)
        return
    facts(results(), [(key, NO_VALUE if value is None else str(value)) for key, value in plan.items()])


def show_summary(summary: JobSummary, paid: Mapping[str, bool | None], *, as_json: bool) -> None:
    """Prints the mean of each dimension over the responses that could be scored; a failure is no score of 0.

    Args:
        summary: what was done.
        paid: for each source, whether the judge is in its reward; None where that is not known.
        as_json: print a JSON document.
    """
    if as_json:
        print_document({**plain(summary), "in_reward": paid})
        return
    console = results()
    columns = (Column("dimension"), Column("mean", right=True))
    means = [(name, fixed(mean)) for name, mean in summary.means.items()]
    show(console, columns, means or [(NO_VALUE, NO_VALUE)])
    console.print()
    _show_failures(console, summary)
    facts(console, [*_facts(summary), *_reward(summary, paid), *_after(summary)])


def show_listed(
    summary: JobSummary, report: FileReport, left_out: int, paid: Mapping[str, bool | None], *, as_json: bool
) -> None:
    """Prints what was said of each system, what the place of a response and its length were worth.

    Args:
        summary: what was done.
        report: what is in the file.
        left_out: turns that not all systems answered.
        paid: for each source, whether the judge is in its reward; None where that is not known.
        as_json: print a JSON document.
    """
    if as_json:
        found = {"systems": report.systems, "length": report.length, "position": report.position}
        print_document({**plain(summary), **found, "left_out": left_out, "in_reward": paid})
        return
    console = results()
    show_systems(console, report)
    show_biases(console, report)
    _show_failures(console, summary)
    missing = [("left out", f"{left_out:,} turns that not all of them answered")] if left_out else []
    facts(console, [*_facts(summary), *missing, *_reward(summary, paid), *_after(summary)[-1:]])


def _show_failures(console: Console, summary: JobSummary) -> None:
    if summary.failures:
        kinds = list(summary.failures.items())[:_KINDS]
        show(console, (Column("failure", folds=True), Column("rows", right=True)), [(k, f"{n:,}") for k, n in kinds])
        console.print()


def _reward(summary: JobSummary, paid: Mapping[str, bool | None]) -> list[tuple[str, str]]:
    """Where the judge's scores are evidence, as far as it is known what is in the reward."""
    inside = ", ".join(source for source, is_paid in paid.items() if is_paid)
    outside = ", ".join(source for source, is_paid in paid.items() if is_paid is False)
    told = []
    if inside:
        told.append(("in reward", f"'{summary.judge}' is in the reward of {inside}: its scores are no evidence there"))
    if outside:
        told.append(("held out", f"'{summary.judge}' is not in the reward of {outside}"))
    return told


def _facts(summary: JobSummary) -> list[tuple[str, str]]:
    pace = f", {number(summary.rows_per_s)} a second" if summary.rows_per_s else ""
    cut = f"{summary.turns_cut:,} responses without the oldest turns, which did not fit"
    return [
        ("judge", f"{summary.judge}, dimensions {summary.dimensions}"),
        ("scored", f"{summary.scored} responses, {summary.failed} failures"),
        ("from", f"the judge {summary.asked:,}, the cache {summary.cached:,}, there before {summary.kept:,}"),
        *([("cut", cut)] if summary.turns_cut else []),
        ("took", f"{duration(summary.seconds)}{pace}"),
        ("written", str(summary.output)),
    ]


def _after(summary: JobSummary) -> list[tuple[str, str]]:
    """What to type next: what judges the failures again, and what looks at the scores."""
    output = shlex.quote(str(summary.output))
    again = [("again", f"ecrctl score run … --output {output} --retry-failures")] if summary.failed else []
    return [*again, ("next", f"ecrctl score report {output}")]
