"""`ecrctl data annotate`: emotions for processed examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.commands.data.arguments import Processed
from ecrctl.options import Output
from ecrctl.panels import Panel


def annotate(
    source: Processed,
    output: Output,
    output_folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR",
            help="Folder to write.",
            show_default="SOURCE itself, replaced",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    recogniser: Annotated[
        str,
        typer.Option(
            "--recogniser",
            metavar="NAME|DIR",
            help="What recognises emotions: a name, or the folder of a trained one.",
            rich_help_panel=Panel.HOW,
        ),
    ] = "lexical",
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            metavar="",
            help="Recognise anew where emotions came with the source, too.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
) -> None:
    """Write the emotions of the seeker's turns into processed examples, at most two a turn.

    Examples:
        ecrctl data annotate processed/
        ecrctl data annotate runs/demo --output annotated/ --json
        ecrctl data annotate processed/ --recogniser recognisers/emotion --overwrite
    """
    from ecr_engine.emotion.annotation import annotate_folder
    from ecr_engine.emotion.recognition import find_recogniser
    from ecrctl.ui.annotation_view import show_annotation
    from ecrctl.ui.data_view import data_folder

    folder = data_folder(source)
    annotation = annotate_folder(folder, output_folder or folder, find_recogniser(recogniser), overwrite=overwrite)
    show_annotation(annotation, as_json=output.json)
