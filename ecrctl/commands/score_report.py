"""`ecrctl score report`: how scores are distributed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecrctl.options import Output
from ecrctl.panels import Panel


def report(
    files: Annotated[list[Path], typer.Argument(metavar="F…", help="Files of judgements.", show_default=False)],
    output: Output,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR",
            help="Folder for scores.png and scores.csv.",
            show_default="only the table is shown",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
) -> None:
    """Show how the scores of each dimension are distributed, and count the failures.

    Examples:
        ecrctl score report judged.jsonl
        ecrctl score report llama.jsonl mistral.jsonl merged.jsonl --output scores/
        ecrctl score report judged.jsonl --json
    """
    from ecr_engine.scoring.score_report import file_report, write_report
    from ecrctl.ui.score_tables import show_reports

    reports = [file_report(path) for path in files]
    written = write_report(reports, target) if target is not None else ()
    show_reports(reports, written, as_json=output.json)
