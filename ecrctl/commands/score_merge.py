"""`ecrctl score merge`: several judges' scores made one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ecrctl.options import Output
from ecrctl.panels import Panel


class Method(StrEnum):
    """How scores are made one."""

    MEAN = "mean"
    ZSCORE = "zscore"


class Missing(StrEnum):
    """What becomes of items that not all judges scored."""

    KEEP = "keep"
    FAIL = "fail"


def merge(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="A B [C…]", help="Files of judgements, one a judge.", show_default=False),
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output",
            metavar="FILE",
            help="File of merged judgements to write.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ],
    output: Output,
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            help="mean of the scores, or of their z-scores, put back on the scale.",
            rich_help_panel=Panel.HOW,
        ),
    ] = Method.MEAN,
    missing: Annotated[
        Missing,
        typer.Option(
            "--missing",
            help="Items that not all judges scored: keep what there is, or make them failures.",
            rich_help_panel=Panel.HOW,
        ),
    ] = Missing.KEEP,
) -> None:
    """Merge the scores of two or more judges, response by response.

    Examples:
        ecrctl score merge llama.jsonl mistral.jsonl --output merged.jsonl
        ecrctl score merge llama.jsonl mistral.jsonl rubric.jsonl --output merged.jsonl --method zscore --missing fail
    """
    from ecr_engine.errors import DataError, UsageError
    from ecr_engine.scoring.merge import merge_files
    from ecrctl.ui.score_tables import show_merge

    if not target.parent.is_dir():
        raise DataError(
            f"there is no folder '{target.parent}'", at=f"--output {target}", fix=f"mkdir -p {target.parent}"
        )
    if target.is_dir():
        raise UsageError("the output is a folder", at=f"--output {target}", fix=f"--output {target / 'merged.jsonl'}")
    summary = merge_files(files, target, method=method.value, missing=missing.value)
    show_merge(summary, as_json=output.json)
