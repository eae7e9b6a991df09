"""`ecrctl data export`: examples in the forms that other trainers read."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.commands.data.arguments import Processed, Target
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel


def export(
    source: Processed,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="alpaca|chat|sharegpt",
            help="The form to write.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ],
    output_folder: Target,
    layers: Layers,
    output: Output,
    split: Annotated[
        list[str] | None,
        typer.Option(
            "--split",
            metavar="train|valid|test",
            help="Only this split; repeatable.",
            show_default="all",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    prompt: Annotated[
        str,
        typer.Option(
            "--prompt",
            metavar="dialogue|ecr",
            help="What rows ask with; ecr: the four lines of the ECR paper (alpaca).",
            rich_help_panel=Panel.HOW,
        ),
    ] = "dialogue",
    names: Annotated[
        bool,
        typer.Option(
            "--names", metavar="", help="Name the movies of targets, in place of <movie>.", rich_help_panel=Panel.HOW
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="The first N examples of each split at most.",
            rich_help_panel=Panel.HOW,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an earlier export.", rich_help_panel=Panel.HOW)
    ] = False,
) -> None:
    """Write the examples of a processed folder or of a run in the form that another trainer reads.

    Examples:
        ecrctl data export processed/ --to alpaca --output alpaca/
        ecrctl data export runs/demo --to chat --output chat/ --split train --names
        ecrctl data export processed/ --to alpaca --prompt ecr --output ecr/ --limit 1000
    """
    from ecr_engine.data.export import Wish
    from ecr_engine.data.export import export as export_examples
    from ecr_engine.data.schema import Split
    from ecrctl.examples import settings_of
    from ecrctl.ui.data_view import data_folder
    from ecrctl.ui.export_view import show_export

    wish = Wish(
        form=to,
        system=settings_of(source, layers).prompt.system,
        prompt=prompt,
        splits=tuple(split or Split),
        names=names,
        limit=limit,
        force=force,
    )
    show_export(export_examples(data_folder(source), output_folder, wish), as_json=output.json)
