"""`ecrctl checkpoint`: what training saved."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ecr_engine.errors import UsageError
from ecrctl.grouping import grouped
from ecrctl.options import Output, RunArgument
from ecrctl.panels import Panel

app = typer.Typer(no_args_is_help=True, help="List, check, compare, prune, export and import what training saved.")


class Format(StrEnum):
    """How weights are written."""

    SAFETENSORS = "safetensors"
    PYTORCH = "pytorch"
    GGUF = "gguf"


_ADDRESS = "RUN, RUN:baseline, RUN:policy@best, RUN:policy@step-000300, or a folder."

Checkpoint = Annotated[str, typer.Argument(metavar="CHECKPOINT", help=_ADDRESS, show_default=False)]
OutputFolder = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="DIR", help="Folder to write, new or empty.", rich_help_panel=Panel.WHAT),
]


@app.command("list")
@grouped
def list_command(run: RunArgument, output: Output) -> None:
    """List the checkpoints of a run: step, size, age and metrics, which are the latest and the best, and which damaged.

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
    """Show one checkpoint: its metrics, weights and files, its settings, and what it was made from.

    Settings are shown where they are not the built-in ones; --json has all of them.

    Examples:
        ecrctl checkpoint show runs/demo
        ecrctl checkpoint show runs/demo:baseline@best --json
    """
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecr_engine.runs.description import describe
    from ecrctl.ui import checkpoint_view

    checkpoint_view.show_one(describe(resolve_checkpoint(checkpoint)), as_json=output.json)


@app.command()
@grouped
def verify(
    checkpoint: Checkpoint,
    output: Output,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", metavar="", help="Also look at every number, and load the model.", rich_help_panel=Panel.HOW
        ),
    ] = False,
) -> None:
    """Check every file of a checkpoint, or of all checkpoints of a run, against its size and SHA-256.

    Exits with 4 if something is wrong, and names each file.

    Examples:
        ecrctl checkpoint verify runs/demo
        ecrctl checkpoint verify runs/demo:policy@best --deep
    """
    from ecrctl.checkpoint_folders import folders_at, links_at
    from ecrctl.ui import checkpoint_view

    folders = folders_at(checkpoint)
    if deep:
        from ecr_engine.models.checking import verify_deeply

        problems = {folder: verify_deeply(folder) for folder in folders}
    else:
        from ecr_engine.runs.manifest import verify as verify_files

        problems = {folder: verify_files(folder) for folder in folders}
    checkpoint_view.show_verified(problems, links_at(checkpoint), as_json=output.json)


@app.command()
@grouped
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_ADDRESS, show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.", show_default=False)],
    output: Output,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", min=1, help="Show the N tensors that moved most.", rich_help_panel=Panel.HOW
        ),
    ] = 20,
    everything: Annotated[
        bool, typer.Option("--all", metavar="", help="The trainer's state too.", rich_help_panel=Panel.WHAT)
    ] = False,
) -> None:
    """Compare two checkpoints tensor by tensor: which moved, and by how much.

    The relative change is the length of the difference by the length of A. --json has all tensors.

    Examples:
        ecrctl checkpoint diff runs/demo:baseline runs/demo:policy
        ecrctl checkpoint diff runs/demo:policy@best runs/demo:policy@latest --json
    """
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecr_engine.runs.differences import compare_tensors
    from ecrctl.ui import checkpoint_change_view

    found = compare_tensors(resolve_checkpoint(a), resolve_checkpoint(b), everything=everything)
    checkpoint_change_view.show_difference(found, limit, as_json=output.json)


@app.command()
@grouped
def prune(
    run: RunArgument,
    output: Output,
    keep_last: Annotated[
        int,
        typer.Option(
            "--keep-last",
            metavar="N",
            min=1,
            help="Keep the N newest of each stage beside the best.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = 1,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", metavar="", help="Really remove them; without it nothing is touched."),
    ] = False,
) -> None:
    """Remove old checkpoints of a run; never the latest and the best of a stage.

    Without --yes it only tells what would go. Damaged ones do not count among the newest.

    Examples:
        ecrctl checkpoint prune runs/demo
        ecrctl checkpoint prune runs/demo --keep-last 2 --yes
    """
    from ecr_engine.runs.pruning import plan_pruning, prune_run
    from ecrctl.run_folders import existing_run
    from ecrctl.ui import checkpoint_change_view

    folder = existing_run(run)
    found = prune_run(folder, keep_last) if yes else plan_pruning(folder, keep_last)
    checkpoint_change_view.show_pruning(found, as_json=output.json)


@app.command()
@grouped
def export(
    checkpoint: Checkpoint,
    folder: OutputFolder,
    output: Output,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge/--no-merge",
            metavar="",
            help="Add a LoRA adapter to the weights, or leave it beside its base.",
            rich_help_panel=Panel.HOW,
        ),
    ] = True,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="How weights are written.", show_default="safetensors", rich_help_panel=Panel.HOW
        ),
    ] = None,
    safe: Annotated[
        bool,
        typer.Option(
            "--safe-serialization/--no-safe-serialization",
            metavar="",
            help="safetensors, or the guide's pickled weights: the same as --format pytorch.",
            rich_help_panel=Panel.GUIDE,
        ),
    ] = True,
) -> None:
    """Write a checkpoint as a plain Hugging Face folder, which any tool reads that reads such folders.

    Examples:
        ecrctl checkpoint export runs/demo --output exported
        ecrctl checkpoint export runs/demo:policy@best --output adapter --no-merge
        ecrctl checkpoint export runs/demo --output pickled --no-safe-serialization
    """
    from ecr_engine.models.exporting import export_model
    from ecr_engine.runs.addresses import resolve_checkpoint
    from ecrctl.ui import checkpoint_files_view

    if not safe and form not in (None, Format.PYTORCH):
        what = f"--no-safe-serialization and --format {form} are two formats"
        raise UsageError(what, at="--format", fix="leave one of the two out")
    chosen = Format.PYTORCH if not safe else form or Format.SAFETENSORS
    found = export_model(resolve_checkpoint(checkpoint), folder, form=chosen.value, merge=merge)
    checkpoint_files_view.show_exported(found, as_json=output.json)


@app.command("import")
@grouped
def import_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A Hugging Face folder, an adapter's, or a file of weights.", show_default=False
        ),
    ],
    folder: OutputFolder,
    output: Output,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="MODEL",
            help="The base of an adapter, or what a file of weights lacks: a folder, RUN:baseline or a model's name.",
            show_default="what an adapter names",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    allow_pickle: Annotated[
        bool,
        typer.Option(
            "--allow-pickle",
            metavar="",
            help="Read .bin and .pt weights too: tensors and nothing else.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
) -> None:
    """Make a checkpoint of a model that was made elsewhere; no code of it is ever run.

    The folder can be evaluated, verified and exported like any checkpoint, and trained on with --backbone.

    Examples:
        ecrctl checkpoint import models/llama --output checkpoints/llama
        ecrctl checkpoint import old/pytorch_model.bin --base old --allow-pickle --output checkpoints/old
        ecrctl run --backbone checkpoints/llama
    """
    from ecr_engine.models.importing import import_model
    from ecrctl.ui import checkpoint_files_view

    found = import_model(source, folder, base=base, allow_pickle=allow_pickle)
    checkpoint_files_view.show_imported(found, as_json=output.json)
