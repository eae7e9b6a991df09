"""`ecrctl init`: a settings file for the project in this folder."""

from __future__ import annotations

from typing import Annotated

import typer

from ecrctl.options import Output
from ecrctl.panels import Panel


def init(
    output: Output,
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace an ecr.toml that is there.", rich_help_panel=Panel.HOW)
    ] = False,
) -> None:
    """Write an ecr.toml here: the settings that people change, each with its help, all commented out.

    Every command in this folder or below it reads the file; take away the
    `# ` before a line to set it.

    Examples:
        ecrctl init
        ecrctl init --force --json
    """
    from pathlib import Path

    from ecr_engine.config.project_file import CHANGED_OFTEN, write_project_file
    from ecrctl.ui.console import results
    from ecrctl.ui.document import print_document
    from ecrctl.ui.tables import facts

    path = write_project_file(Path.cwd(), force=force)
    if output.json:
        print_document({"file": path, "settings": CHANGED_OFTEN})
        return
    facts(
        results(),
        [
            ("wrote", f"{path.name}, with {len(CHANGED_OFTEN)} settings to uncomment"),
            ("check it", f"ecrctl profile validate {path.name}"),
            ("see what applies", "ecrctl profile show --resolved"),
        ],
    )
