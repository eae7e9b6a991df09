"""What a job prints on stdout: its plan before, its result after."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ecrctl.ui.comparison import show_comparison
from ecrctl.ui.console import results, say
from ecrctl.ui.document import print_document
from ecrctl.ui.next_step import after_stage
from ecrctl.ui.numbers import duration
from ecrctl.ui.settings_view import annotated, changed
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.pipeline.job import Job, JobResult


def show_plan(job: Job, until: str, *, as_json: bool) -> None:
    """Prints the settings, each with its origin if it is no default, and what would be done."""
    from ecr_engine.pipeline.job import plan

    stages = plan(job, until)
    job = job.settled()
    if as_json:
        print_document(
            {
                "run": job.folder,
                "source": job.source,
                "settings": job.resolved.settings.model_dump(mode="json"),
                "origins": job.resolved.origins_json(),
                "plan": stages,
            }
        )
        return
    console = results()
    for line in annotated(job.resolved):
        say(line)
    say("")
    facts(
        console,
        [
            ("run", str(job.folder)),
            ("data", str(job.source) if job.source else "the built-in sample corpus"),
            ("changed", f"{len(changed(job.resolved))} settings; the origin of each stands beside it"),
        ],
    )
    show(
        console,
        (Column("stage"), Column("plan"), Column("why", folds=True)),
        [(s.stage, s.action, s.why) for s in stages],
    )


def show_result(result: JobResult, until: str, *, as_json: bool, summed_up: bool = False) -> None:
    """Prints what came of a job: the comparison where there is one, the stages, and what to type next.

    Args:
        result: what the job came to.
        until: its last stage.
        as_json: as one document.
        summed_up: the stages are on the terminal already.
    """
    comparison = result.comparison
    if as_json:
        print_document(
            {
                "run": result.folder,
                "stages": result.outcomes,
                "comparison": comparison.to_json() if comparison is not None else None,
            }
        )
        return
    console = results()
    if comparison is not None:
        show_comparison(console, comparison)
        console.print()
        facts(console, _after_comparison(result))
        return
    if not summed_up:
        _show_stages(console, result)
    next_step = after_stage(until, result.folder)
    facts(console, [("run", str(result.folder)), *([("next", next_step)] if next_step else [])])


def _after_comparison(result: JobResult) -> list[tuple[str, str]]:
    return [
        ("report", str(result.folder / "report.html")),
        ("took", duration(sum(outcome.seconds for outcome in result.outcomes))),
        ("next", f"ecrctl runs show {shlex.quote(str(result.folder))}"),
    ]


def _show_stages(console: Console, result: JobResult) -> None:
    rows = [
        (o.stage, "unchanged" if o.action == "skip" else "done", Text(duration(o.seconds), "dim"))
        for o in result.outcomes
    ]
    show(console, (Column("stage"), Column(""), Column("took", right=True)), rows)
    console.print()
