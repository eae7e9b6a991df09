"""`ecrctl runs`: looking at runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Output, RunArgument
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="List, show, watch and remove runs, and write their reports.")

_SAMPLES = "With --samples"


@dataclass(frozen=True, slots=True)
class Browsing:
    """Which responses `runs show --samples` shows."""

    samples: Annotated[
        bool,
        typer.Option("--samples", metavar="", help="Show responses and their scores.", rich_help_panel=_SAMPLES),
    ] = False
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="SCORE",
            help="By reward, length, or any reward component or metric.",
            show_default="reward",
            rich_help_panel=_SAMPLES,
        ),
    ] = None
    ascending: Annotated[
        bool, typer.Option("--ascending", metavar="", help="The lowest first.", rich_help_panel=_SAMPLES)
    ] = False
    emotion: Annotated[
        str | None,
        typer.Option("--emotion", metavar="NAME", help="Only where the seeker shows this.", rich_help_panel=_SAMPLES),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="Show N at most.", show_default="10", rich_help_panel=_SAMPLES
        ),
    ] = None

    def stray(self) -> str | None:
        """An option that has no meaning without `--samples`, where that was not given."""
        given = {
            "--sort": self.sort is not None,
            "--ascending": self.ascending,
            "--emotion": self.emotion is not None,
            "--limit": self.limit is not None,
        }
        return None if self.samples else next((name for name, was_given in given.items() if was_given), None)


@app.command("list")
@grouped
def list_command(
    output: Output,
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Folder of runs.", show_default="runs")] = None,
) -> None:
    """List the runs in a folder.

    Examples:
        ecrctl runs list
        ecrctl runs list experiments/ --json
    """
    from ecr_engine.errors import DataError
    from ecr_engine.runs.folder import scan_runs
    from ecrctl.ui import runs_view

    if folder is not None and not folder.is_dir():
        raise DataError(
            f"there is no folder '{folder}'", at=str(folder), fix="name a folder of runs: ecrctl runs list runs"
        )
    place = folder or Path("runs")
    runs_view.show_list(place, scan_runs(place), as_json=output.json)


@app.command()
@grouped
def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run folder; with --samples also RUN:baseline or RUN:rollouts.", show_default=False
        ),
    ],
    browsing: Browsing,
    output: Output,
) -> None:
    """Show one run: its stages, how it ended, and its comparison; or its responses, sorted by any score.

    Responses are those of the policy's evaluation, or with RUN:rollouts what the training showed of each update.

    Examples:
        ecrctl runs show runs/demo
        ecrctl runs show runs/demo --samples --sort empathy --ascending
        ecrctl runs show runs/demo:rollouts --samples --emotion negative --limit 3
    """
    import shlex

    from ecr_engine.errors import UsageError
    from ecrctl.run_folders import existing_run

    stray = browsing.stray()
    if stray is not None:
        fix = f"ecrctl runs show {shlex.quote(run)} --samples {stray} …"
        raise UsageError(f"{stray} is about samples", at=stray, fix=fix)
    if not browsing.samples:
        from ecrctl.ui import runs_view

        runs_view.show_run(existing_run(Path(run)), as_json=output.json)
        return
    from ecr_engine.evaluation.browsing import LIMIT, REWARD, Wish, browse
    from ecrctl.ui import samples_view

    wish = Wish(browsing.sort or REWARD, browsing.ascending, browsing.emotion, browsing.limit or LIMIT)
    samples_view.show_samples(browse(run, wish), wish, whole=output.verbose, as_json=output.json)


@app.command()
@grouped
def watch(
    run: RunArgument,
    output: Output,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="NAME",
            help="Show the end of this stage instead.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
) -> None:
    """Follow a run from another terminal; of one that has ended it shows the summary, or how it stood.

    Under --json it waits for the end, and then prints what `runs show` does.

    Examples:
        ecrctl runs watch runs/demo
        ecrctl runs watch runs/demo --stage rl
        ecrctl runs watch runs/demo | grep reward
    """
    from ecrctl.run_folders import existing_run
    from ecrctl.ui.watch import wait_for
    from ecrctl.ui.watch import watch as follow_run

    if output.json:
        from ecrctl.ui import runs_view

        wait_for(existing_run(run), quiet=output.quiet, everything=output.verbose)
        runs_view.show_run(existing_run(run), as_json=True)
    else:
        follow_run(existing_run(run), stage=stage, everything=output.verbose)


@app.command()
@grouped
def report(run: RunArgument, output: Output) -> None:
    """Write the report of a run again, from its events and evaluations.

    Examples:
        ecrctl runs report runs/demo
    """
    from ecr_engine.evaluation.report import write_report
    from ecrctl.run_folders import existing_run
    from ecrctl.ui.console import say
    from ecrctl.ui.document import print_document

    folder = existing_run(run)
    write_report(folder.root)
    if output.json:
        print_document({"report": folder.report})
    else:
        say(str(folder.report))


@app.command()
@grouped
def remove(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Run folders.", show_default=False)],
    output: Output,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", metavar="", help="Really remove them.", rich_help_panel=Panel.HOW)
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", metavar="", help="Show what would go; remove nothing.", rich_help_panel=Panel.HOW),
    ] = False,
) -> None:
    """Remove runs with all that they hold; without --yes it only shows what would go.

    A run that somebody is at work in is refused, and then nothing is removed. Export what is to stay first.

    Examples:
        ecrctl runs remove runs/old
        ecrctl runs remove runs/old runs/older --yes
        ecrctl checkpoint export runs/old --output models/old
    """
    from ecr_engine.errors import UsageError
    from ecr_engine.runs import removal
    from ecrctl.run_folders import existing_run
    from ecrctl.ui import runs_view

    chosen = removal.removable([existing_run(run) for run in runs])
    if yes and not dry_run:
        removal.remove(chosen)
    runs_view.show_removal(chosen, removed=yes and not dry_run, as_json=output.json)
    if not yes and not dry_run:
        raise UsageError(
            "nothing was removed", at="ecrctl runs remove", fix=runs_view.removal_command([each.run for each in chosen])
        )
