"""`ecrctl runs`: looking at runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Output, RunArgument

app = typer.Typer(no_args_is_help=True, help="List, show and watch runs, and write their reports.")


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
def show(run: RunArgument, output: Output) -> None:
    """Show one run: its stages, how it ended, and its comparison.

    Examples:
        ecrctl runs show runs/demo
        ecrctl runs show runs/demo --json
    """
    from ecrctl.run_folders import existing_run
    from ecrctl.ui import runs_view

    runs_view.show_run(existing_run(run), as_json=output.json)


@app.command()
@grouped
def watch(run: RunArgument, output: Output) -> None:
    """Follow a run from another terminal; shows the last picture of one that has ended.

    Under --json it waits for the end, and then prints what `runs show` does.

    Examples:
        ecrctl runs watch runs/demo
        ecrctl runs watch runs/demo | grep reward
        ecrctl runs watch runs/demo --json
    """
    from ecrctl.run_folders import existing_run
    from ecrctl.ui.watch import wait_for
    from ecrctl.ui.watch import watch as follow_run

    if output.json:
        from ecrctl.ui import runs_view

        wait_for(existing_run(run), quiet=output.quiet, everything=output.verbose)
        runs_view.show_run(existing_run(run), as_json=True)
    else:
        follow_run(existing_run(run), everything=output.verbose)


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
