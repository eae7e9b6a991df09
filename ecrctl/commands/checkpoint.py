"""`ecrctl checkpoint`: what training saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.grouping import grouped
from ecrctl.options import Output, RunArgument

app = typer.Typer(no_args_is_help=True, help="List, show and verify what training saved.")

Checkpoint = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        help="RUN, RUN:baseline, RUN:policy@best, RUN:policy@step-000300, or a folder.",
        show_default=False,
    ),
]


@app.command("list")
@grouped
def list_command(run: RunArgument, output: Output) -> None:
    """List the checkpoints of a run.

    Examples:
        ecrctl checkpoint list runs/demo
        ecrctl checkpoint list runs/demo --json
    """
    from ecr_engine.runs.checkpoints import list_checkpoints
    from ecr_engine.runs.folder import TRAINED_STAGES
    from ecrctl.run_folders import existing_run
    from ecrctl.ui import checkpoint_view

    folder = existing_run(run)
    found = {stage: list_checkpoints(folder.stage(stage)) for stage in TRAINED_STAGES}
    checkpoint_view.show_list(found, as_json=output.json)


@app.command()
@grouped
def show(checkpoint: Checkpoint, output: Output) -> None:
    """Show one checkpoint: its step, metrics and files.

    Examples:
        ecrctl checkpoint show runs/demo
        ecrctl checkpoint show runs/demo:baseline@best --json
    """
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecr_engine.runs.manifest import load_manifest
    from ecrctl.ui import checkpoint_view

    folder = resolve_checkpoint(checkpoint)
    checkpoint_view.show_one(folder, load_manifest(folder), as_json=output.json)


@app.command()
@grouped
def verify(checkpoint: Checkpoint, output: Output) -> None:
    """Check every file of a checkpoint, or of all checkpoints of a run, against its size and SHA-256.

    Exits with 4 if something is wrong.

    Examples:
        ecrctl checkpoint verify runs/demo
        ecrctl checkpoint verify runs/demo:policy@best
    """
    from ecr_engine.runs.manifest import verify as verify_folder
    from ecrctl.ui import checkpoint_view

    problems = {folder: verify_folder(folder) for folder in _folders(checkpoint)}
    checkpoint_view.show_verified(problems, as_json=output.json)


def _folders(address: str) -> list[Path]:
    """All checkpoints of a run, or the one at an address.

    Raises:
        DataError: the run has no checkpoint.
    """
    from ecr_engine.errors import DataError
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecr_engine.runs.checkpoints import list_checkpoints
    from ecr_engine.runs.folder import TRAINED_STAGES, RunFolder

    run = RunFolder(Path(address))
    if not run.exists():
        return [resolve_checkpoint(address)]
    folders = [info.path for stage in TRAINED_STAGES for info in list_checkpoints(run.stage(stage))]
    if not folders:
        raise DataError(
            f"{run.root} has no checkpoints", at=address, fix=f"train it first: ecrctl run --run {run.root}"
        )
    return folders
