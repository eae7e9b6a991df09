"""Arguments that the data commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import GENERAL, SettingFlag
from ecrctl.panels import Panel

SKIP_BAD = tuple(flag for flag in GENERAL if flag.name == "skip_bad")
SEED = tuple(flag for flag in GENERAL if flag.name == "seed")
FORMAT = SettingFlag("format", "data.format", str, "NAME", "The source's format.", Panel.WHAT)
KNOWLEDGE = SettingFlag(
    "knowledge", "data.knowledge", str, "[DIR]", "Folder of knowledge-graph files; the source if left out.", Panel.WHAT
)

Target = Annotated[
    Path,
    typer.Option("--output", metavar="DIR", help="Folder to write.", show_default=False, rich_help_panel=Panel.WHAT),
]
Source = Annotated[
    Path,
    typer.Argument(metavar="SOURCE", help="Folder, zip or file of raw dialogues.", show_default=False),
]
Processed = Annotated[Path, typer.Argument(metavar="SOURCE", help="A processed folder or a run.", show_default=False)]
